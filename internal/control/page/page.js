// The approval page. Whatever comes from an agent or a server is put into the
// page as text and nothing else; the API has escaped it before. What was shown
// once stays where it is, so that nothing moves under the pointer of somebody
// who is about to answer.
"use strict";

(() => {
  const $ = (id) => document.getElementById(id);
  const shown = new Map(); // id -> {article, view, …}
  let token = "";
  let capability = "";
  let lastEvent = "";
  let loading = null;

  // element makes one element. Its children are elements, or text.
  const element = (name, props, ...children) => {
    const e = Object.assign(document.createElement(name), props);
    e.append(...children);
    return e;
  };

  const standing = (text, mood) => {
    $("standing").textContent = text;
    $("standing").className = mood;
  };

  // call makes one request to where the page came from, with the token.
  const call = async (path, options = {}) => {
    const answer = await fetch("/v1/" + path, {
      ...options,
      headers: { Authorization: "Bearer " + token, ...options.headers },
      cache: "no-store", credentials: "omit", redirect: "error", referrerPolicy: "no-referrer",
    });
    if (answer.ok) return answer;
    const problem = (await answer.json()).error;
    throw Object.assign(new Error(problem.message), { code: problem.code });
  };

  const wanted = () => {
    const m = /^\/approvals\/(a_[1-9][0-9]{0,18})$/.exec(location.pathname);
    return m ? m[1] : "";
  };

  const load = () => {
    loading ??= read().finally(() => { loading = null; });
    return loading;
  };

  const lives = (v) => v.state === "pending" || v.state === "granted";

  const read = async () => {
    const one = wanted();
    let views = [];
    if (one) views = [await (await call("approvals/" + one)).json()];
    else views = await (await call("approvals")).json();
    for (const v of views) show(v);
    for (const [id, at] of shown) {
      if (lives(at.view) && !views.some((v) => v.id === id)) {
        show(await (await call("approvals/" + id)).json());
      }
    }
    $("none").hidden = shown.size > 0;
  };

  // show adds a request, or says what became of one that is there.
  const show = (v) => {
    let at = shown.get(v.id);
    if (!at) {
      at = { article: element("article", { id: v.id }) };
      shown.set(v.id, at);
      draw(at, v);
      $("requests").append(at.article);
    }
    at.view = v;
    at.article.dataset.state = v.state;
    at.state.textContent = stateOf(v);
    at.state.className = { granted: "good", denied: "bad", expired: "fair" }[v.state] ?? "";
    const open = v.state === "pending" && capability === "approver";
    const revocable = v.state === "granted" && capability === "approver";
    at.allow.hidden = !open || !!v.problem;
    at.deny.hidden = !open && !revocable;
    for (const e of at.extra) e.hidden = !open;
  };

  const draw = (at, v) => {
    at.state = element("p", {});
    at.result = element("p", {});
    at.result.setAttribute("role", "alert");
    at.allow = element("button", { type: "button", className: "allow" }, "Allow once");
    at.deny = element("button", { type: "button", className: "deny" }, "Deny");
    at.allow.addEventListener("click", () => answer(at, true));
    at.deny.addEventListener("click", () => answer(at, false));
    at.extra = [];
    if (v.hidden) {
      at.seen = element("input", { type: "checkbox", className: "seen" });
      at.extra.push(element("label", {}, at.seen, " I have read the characters that do not show"));
    }
    if (v.rules.some((r) => r.assurance === "code")) {
      at.code = element("input", { type: "text", className: "code", autocomplete: "off", inputMode: "numeric", maxLength: 16 });
      at.extra.push(element("label", {}, "Code of your device ", at.code));
    }
    if (v.standing) standingFields(at, v);
    at.article.append(
      element("h2", {}, v.id + "  " + v.title), element("p", {}, by(v)), at.state, table(v), ...warnings(v),
      ...v.rules.map((r) => element("p", {}, why(r))), ...at.extra, at.allow, at.deny, at.result,
    );
  };

  // standingFields let an answer stand for later calls, where the rules let it.
  const standingFields = (at, v) => {
    at.standing = element("select", { className: "standing" }, element("option", { value: "" }, "this call alone"));
    for (const c of v.standing) {
      at.standing.append(element("option", { value: c.name }, c.text + (c.any_client ? ", any client" : "") +
        " (would also have answered " + c.answered + " of the last " + c.of + " held calls)"));
    }
    at.uses = element("input", { type: "number", className: "uses", min: 1, placeholder: "calls" });
    at.length = element("input", { type: "text", className: "length", size: 8, maxLength: 16, placeholder: "2h" });
    at.extra.push(element("label", {}, "The answer stands for ", at.standing), element("label", {}, "at most ", at.uses, " for ", at.length));
  };

  const by = (v) => (v.client ? "by " + v.client + " " : "") + "for " + v.subject + (v.root ? " in " + v.root : "");

  const table = (v) => {
    const row = (kind, ...cells) => element("tr", {}, ...cells.map((c) => element(kind, {}, c)));
    const compared = v.arguments.some((a) => a.compared);
    const rows = v.arguments.map((a) => {
      const tr = element("tr", {}, element("th", { scope: "row" }, a.name), element("td", { className: "value" }, a.value));
      if (compared) tr.append(element("td", { className: a.last ? "fair" : "" }, a.last || (a.compared ? "the same" : "")));
      return tr;
    });
    const head = compared ? row("th", "argument", "value", "last approved") : row("th", "argument", "value");
    return element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
  };

  const warnings = (v) => {
    const out = [];
    const warn = (text, className) => out.push(element("p", { className }, text));
    if (v.hidden) warn("HIDDEN: this call contains characters that do not show; they are shown here as \\u escapes", "bad hidden");
    if (v.masked) warn("SECRET: a secret stands in this call; its name is shown in its place", "fair");
    if (v.definition === "CHANGED") warn("The tool's definition CHANGED since the last call that was allowed", "bad");
    if (v.issues) warn("LEASE: to allow it also lets " + v.issues, "fair");
    if (v.problem) warn("PROBLEM: " + v.problem + "; it cannot be allowed", "bad");
    return out;
  };

  const why = (r) => {
    const needs = [];
    if (r.quorum > 1) needs.push(r.quorum + " people");
    if (r.group) needs.push("of " + r.group);
    if (r.not_self) needs.push("not yourself");
    if (r.assurance && r.assurance !== "host") needs.push("by " + r.assurance);
    return "rule " + r.id + (r.position ? ", " + r.position : "") + (needs.length ? " (needs " + needs.join(", ") + ")" : "");
  };

  const stateOf = (v) => {
    const left = Math.max(0, Math.round((Date.parse(v.expires) - Date.now()) / 1000));
    const span = left < 120 ? left + " s" : Math.ceil(left / 60) + " min";
    switch (v.state) {
      case "pending": return span + " left" + (v.missing > 1 || v.answers ? "; " + v.missing + " must still answer" : "");
      case "granted": return "allowed, waits for its call for " + span;
      case "superseded": return "void, replaced by " + v.successor;
      default: return v.state;
    }
  };

  const say = (at, text, className) => Object.assign(at.result, { textContent: text, className });

  const answer = async (at, allow) => {
    at.allow.disabled = at.deny.disabled = true;
    say(at, "", "");
    const body = { allow };
    if (allow && at.seen?.checked) body.accept_risk = "hidden-characters";
    if (allow && at.code?.value) body.code = at.code.value;
    if (allow && at.standing?.value) {
      body.standing = at.standing.value;
      if (at.uses.value) body.uses = Number(at.uses.value);
      if (at.length.value) body.for = at.length.value;
    }
    try {
      const said = await call("approvals/" + at.view.id + "/answer", {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
      });
      const now = await said.json();
      show(now);
      if (now.lease) say(at, now.lease + " answers later calls; to end it: custos leases revoke " + now.lease, "good");
    } catch (e) {
      say(at, e.message, "bad");
    } finally {
      at.allow.disabled = at.deny.disabled = false;
      if (at.code) at.code.value = "";
    }
  };

  // follow reads the stream of events and looks again at each.
  const follow = async () => {
    const headers = lastEvent ? { "Last-Event-ID": lastEvent } : {};
    const answer = await call("events?kind=approval", { headers });
    standing("live", "good");
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) if (line.startsWith("id: ")) lastEvent = line.slice(4);
      if (lines.includes("")) load().catch(stale);
    }
  };

  const stale = (e) => {
    if (e.code === "unauthorized") {
      token = "";
      standing("this token opens nothing here, or no more", "bad");
      $("door").hidden = false;
      return;
    }
    if (e.code === "not_found") {
      token = "";
      standing("there is no such request", "bad");
      return;
    }
    standing("not connected: what stands here may be old", "bad");
  };

  const pause = (ms) => new Promise((done) => setTimeout(done, ms));

  const open = async () => {
    $("door").hidden = true;
    while (token) {
      try {
        capability = (await (await call("status")).json()).capability;
        await load();
        await follow();
        standing("not connected: what stands here may be old", "bad");
      } catch (e) {
        stale(e);
        if (e.code === "invalid") lastEvent = "";
      }
      await pause(1000);
    }
  };

  const enter = (text) => {
    const entered = token !== "";
    token = text.trim();
    $("token").value = "";
    if (token && !entered) open(); // else the loop goes on with it
  };

  // take moves a token from the address, where the history and a copied link
  // would hold it, into the memory of this page.
  const take = () => {
    const m = /^#token=([A-Za-z0-9_-]{1,128})$/.exec(location.hash);
    if (location.hash) history.replaceState(null, "", location.pathname);
    return m ? m[1] : "";
  };

  // tick counts down, and looks for what no event tells: that nobody answered in
  // time, that a call took its grant.
  const tick = (n) => {
    for (const at of shown.values()) show(at.view);
    if (token && n % 5 === 0 && [...shown.values()].some((at) => lives(at.view))) load().catch(stale);
    setTimeout(tick, 1000, n + 1);
  };

  const start = () => {
    $("enter").addEventListener("click", () => enter($("token").value));
    $("token").addEventListener("keydown", (e) => { if (e.key === "Enter") enter($("token").value); });
    addEventListener("hashchange", () => { const given = take(); if (given) enter(given); });
    tick(1);
    const given = take();
    if (given) enter(given);
    else $("door").hidden = false;
  };

  start();
})();
