package e2e

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/custos-zt/custos/e2e/client"
)

// dialogue is one scripted session of a client with a server, read from a
// txtar file. The same dialogue is held directly and through Custos, and what
// was said is compared.
//
// The file `script` has one step a line:
//
//	request METHOD [PARAMS]  send a request and wait for its reply
//	send LINE                send a line as it is
//	await ID                 wait for the reply to this id
//	until METHOD [N]         wait for N (1) more messages of the server with this method
//	answer METHOD MEMBER     answer the next such request with this member ("result":… or "error":…)
//	has TEXT, lacks TEXT     the last reply contains the text, or does not
//	let NAME REGEXP          remember the group of a match in the last reply as $NAME
//
// The file `answers` has lines METHOD MEMBER: how requests of the server are
// answered unless the script says otherwise. The file `masks` has lines
// REGEXP => TEXT for what differs from run to run. The file `aside` names
// methods whose messages come when a timer fires: they are compared among
// themselves, and not by their place among others.
type dialogue struct {
	steps   []step
	answers map[string]string
	masks   []mask
	aside   map[string]bool
	given   [][2]string // names with a $, and what they stand for in the script
}

type step struct {
	line       int
	verb, rest string
}

type mask struct {
	match *regexp.Regexp
	text  string
}

func readDialogue(t *testing.T, name string) *dialogue {
	t.Helper()
	d := &dialogue{answers: map[string]string{}, aside: map[string]bool{}}
	for part, text := range archive(t, "transparency/"+name) {
		for i, line := range strings.Split(text, "\n") {
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			word, rest, _ := strings.Cut(line, " ")
			switch part {
			case "script":
				d.steps = append(d.steps, step{i + 1, word, rest})
			case "answers":
				d.answers[word] = rest
			case "masks":
				re, text, _ := strings.Cut(line, " => ")
				d.masks = append(d.masks, mask{regexp.MustCompile(re), text})
			case "aside":
				d.aside[word] = true
			default:
				t.Fatalf("%s: no such part of a dialogue: %s", name, part)
			}
		}
	}
	return d
}

// trace is what a client sent and got, as raw lines with what differs from run
// to run masked.
type trace struct {
	Main  []string            // in order
	Aside map[string][]string // in order, by method
}

// talk is one dialogue being held.
type talk struct {
	*dialogue
	t    *testing.T
	p    *client.Process
	next int
	vars [][2]string // name and value, newest first

	deadline time.Time      // of the step
	last     string         // the last reply
	replies  map[string]int // replies by id
	seen     map[string]int // messages of the server by method
	awaited  map[string]int // of those, how many a step has waited for
	queued   map[string][]string
	sent     []string // raw
	received []string // raw
	sides    []string // for each message in said, the method it is set aside under, or ""
	said     []string // both directions, with an arrow
}

// hold holds the dialogue with a started process.
func (d *dialogue) hold(t *testing.T, p *client.Process) *talk {
	t.Helper()
	k := &talk{
		dialogue: d, t: t, p: p, replies: map[string]int{}, seen: map[string]int{},
		awaited: map[string]int{}, queued: map[string][]string{},
	}
	var at step
	defer func() {
		if t.Failed() {
			t.Logf("script:%d: %s %s\nlast said: %s", at.line, at.verb, clip(at.rest), clip(k.said[max(0, len(k.said)-1)]))
		}
	}()
	for _, at = range d.steps {
		if k.step(at); t.Failed() {
			t.FailNow()
		}
	}
	return k
}

func (k *talk) step(s step) {
	k.t.Helper()
	k.deadline = time.Now().Add(client.Patience)
	rest := k.expand(s.rest)
	first, second, _ := strings.Cut(rest, " ")
	switch s.verb {
	case "request":
		k.next++
		id := strconv.Itoa(k.next)
		if second != "" {
			second = `,"params":` + second
		}
		k.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":%q%s}`, id, first, second), "")
		k.await(id)
	case "send":
		k.send(rest, "")
	case "await":
		k.await(rest)
	case "until":
		n, err := strconv.Atoi(second)
		if err != nil {
			n = 1
		}
		k.awaited[first] += n
		for k.seen[first] < k.awaited[first] {
			k.read("the next " + first)
		}
	case "answer":
		k.queued[first] = append(k.queued[first], second)
	case "has", "lacks":
		if strings.Contains(k.last, rest) != (s.verb == "has") {
			k.t.Errorf("script:%d: %s %s: %s", s.line, s.verb, rest, clip(k.last))
		}
	case "let":
		k.let(first, second)
	default:
		k.t.Fatalf("script:%d: no such step: %s", s.line, s.verb)
	}
}

func (k *talk) let(name, pattern string) {
	k.t.Helper()
	if m := regexp.MustCompile(pattern).FindStringSubmatch(k.last); len(m) == 2 {
		k.vars = slices.Insert(k.vars, 0, [2]string{"$" + name, m[1]})
		return
	}
	k.t.Errorf("let %s: %s is not in %s", name, pattern, clip(k.last))
}

func (k *talk) expand(s string) string {
	for _, v := range append(k.vars, k.given...) {
		s = strings.ReplaceAll(s, v[0], v[1])
	}
	return s
}

func (k *talk) send(line, side string) {
	k.t.Helper()
	k.sent = append(k.sent, line)
	k.said = append(k.said, "-> "+line)
	k.sides = append(k.sides, side)
	k.p.Send(line)
}

func (k *talk) await(id string) {
	k.t.Helper()
	for k.replies[id] == 0 {
		k.read("the reply to " + id)
	}
}

// read takes one line of the server, and answers it if it is a request. A step
// may not wait longer than patience, whatever else the server says meanwhile.
func (k *talk) read(want string) {
	k.t.Helper()
	if time.Now().After(k.deadline) {
		k.t.Fatalf("%s does not come; the last reply was %s", want, clip(k.last))
	}
	line, ok := k.p.Line()
	if !ok {
		k.t.Fatalf("the server ended before %s", want)
	}
	var m struct {
		ID     json.RawMessage
		Method string
	}
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		k.t.Fatalf("before %s came %q: %v", want, clip(line), err)
	}
	side := ""
	if k.aside[m.Method] {
		side = m.Method
	}
	k.received = append(k.received, line)
	k.said = append(k.said, "<- "+line)
	k.sides = append(k.sides, side)
	switch {
	case m.Method == "":
		k.last = line
		k.replies[string(m.ID)]++
	case m.ID != nil:
		k.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,%s}`, m.ID, k.answer(m.Method)), side)
	}
	k.seen[m.Method]++
}

func (k *talk) answer(method string) string {
	k.t.Helper()
	if q := k.queued[method]; len(q) > 0 {
		k.queued[method] = q[1:]
		return k.expand(q[0])
	}
	if a, ok := k.answers[method]; ok {
		return a
	}
	k.t.Errorf("the server asks %s, and the dialogue has no answer", method)
	return `"error":{"code":-32601,"message":"no answer"}`
}

// trace masks what was said and sorts out what is compared apart.
func (k *talk) trace() trace {
	out := trace{Aside: map[string][]string{}}
	for i, line := range k.said {
		for _, v := range k.vars {
			line = strings.ReplaceAll(line, v[1], v[0])
		}
		for _, m := range k.masks {
			line = m.match.ReplaceAllString(line, m.text)
		}
		if side := k.sides[i]; side != "" {
			out.Aside[side] = append(out.Aside[side], line)
			continue
		}
		out.Main = append(out.Main, line)
	}
	return out
}

// clip keeps a message of a failed test readable.
func clip(s string) string {
	if len(s) > 600 {
		return s[:600] + "…"
	}
	return s
}
