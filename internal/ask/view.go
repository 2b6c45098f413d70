package ask

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/approval/book"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/term"
)

// View is one request as people see it, whatever the channel. Everything that
// an agent or a server wrote is escaped: what it shows is what there is.
type View struct {
	ID    string               `json:"id"`
	State access.ApprovalState `json:"state"`
	// Title is what is called: "git.git_commit".
	Title string `json:"title"`
	// Subject asks, through Client, working in Root.
	Subject string `json:"subject"`
	Agent   string `json:"agent,omitempty"`
	Client  string `json:"client,omitempty"`
	Root    string `json:"root,omitempty"`

	Opened  time.Time `json:"opened"`
	Expires time.Time `json:"expires"`
	// Arguments are all of them.
	Arguments []Argument `json:"arguments"`
	// Rules hold the call and say what an answer needs.
	Rules []approval.Rule `json:"rules"`
	// Missing is how many people have still to answer.
	Missing int             `json:"missing"`
	Answers []access.Answer `json:"answers,omitempty"`
	// Definition says how the tool's definition compares with the last call that
	// was allowed: "unchanged", "CHANGED" or "" where there was none.
	Definition string `json:"definition,omitempty"`
	// Hidden says that something in the call would not show, or show as
	// something else, if it were not escaped.
	Hidden bool `json:"hidden"`
	// Issues says what else an answer that allows the call lets pass by itself; ""
	// for nothing.
	Issues string `json:"issues,omitempty"`
	// Standing are the ways in which an answer could stand for later calls, while
	// the request is open and its rules let it.
	Standing []approval.Candidate `json:"standing,omitempty"`
	// Lease is the id of the lease that the answer just counted opened.
	Lease string `json:"lease,omitempty"`
	// Masked says that a secret stands in the call, which is shown as its name.
	Masked bool `json:"masked"`
	// Successor is the id of the request that took the place of this one.
	Successor string `json:"successor,omitempty"`
	// Problem says why the call cannot be shown; it cannot be allowed then.
	Problem string `json:"problem,omitempty"`
}

// Argument is one argument of the call.
type Argument struct {
	Name string `json:"name"`
	// Value is its JSON, escaped.
	Value string `json:"value"`
	// Last is the value in the last call of this tool that was allowed, where it
	// differs; Compared says that there was such a call.
	Last     string `json:"last,omitempty"`
	Compared bool   `json:"compared"`
}

// errOther says that a stored call is not the one that was held.
var errOther = errors.New("what is stored is not the call that was held")

// Look prepares a request for people. It checks that what is shown is what an
// answer is bound to. Whatever channel shows a request MUST get it here: what is
// secret is masked for all of them.
func (d *Desk) Look(ctx context.Context, it *book.Item) (*View, error) {
	b, err := d.Book()
	if err != nil {
		return nil, err
	}
	r, s := &it.Request, &showing{mask: d.opt.Mask, secrets: it.Request.Secrets}
	v := &View{
		ID: it.ID(), State: it.State, Title: s.text(plainTitle(r)), Subject: s.text(r.Subject), Agent: s.text(r.Agent),
		Client: s.text(r.Client), Root: s.text(r.Root), Opened: it.Opened, Expires: it.Term.Until.Wall,
		Arguments: []Argument{}, Rules: r.Rules, Missing: approval.Missing(r, it.Votes),
	}
	if it.Successor != 0 {
		v.Successor = book.FormatID(it.Successor)
	}
	for i := range it.Votes {
		v.Answers = append(v.Answers, it.Votes[i].Answer)
	}
	args, err := arguments(it)
	if err != nil {
		v.Problem = err.Error()
		return v, nil
	}
	last, compared, err := b.Last(ctx, it)
	if err != nil {
		return nil, err
	}
	var before access.Value
	if compared {
		if before, err = arguments(&last); err != nil {
			compared = false
		}
		s.secrets = append(slices.Clip(s.secrets), last.Request.Secrets...)
	}
	if compared {
		v.Definition = "unchanged"
		if last.Request.Definition != r.Definition {
			v.Definition = "CHANGED"
		}
	}
	v.fill(s, args, before, compared)
	v.Issues = s.issues(it)
	if it.Lease != nil {
		v.Lease = it.Lease.ID()
	}
	if it.State == access.ApprovalOpen {
		if v.Standing, err = d.candidates(ctx, b, it); err != nil {
			return nil, err
		}
	}
	v.Masked = s.masked
	v.Hidden = v.Hidden || !shows(plainTitle(r))
	return v, nil
}

func (v *View) fill(s *showing, args, before access.Value, compared bool) {
	for _, m := range args.Members() {
		a := Argument{Name: s.name(m.Key), Value: s.value(m.Value, m.Key), Compared: compared}
		v.Hidden = v.Hidden || !shows(m.Key) || hides(m.Value)
		if old := before.Get(m.Key); compared && canon.Digest(old) != canon.Digest(m.Value) {
			a.Last = "not given"
			if !old.IsAbsent() {
				a.Last = s.value(old, m.Key)
			}
		}
		v.Arguments = append(v.Arguments, a)
	}
	for _, m := range before.Members() {
		if compared && args.Get(m.Key).IsAbsent() {
			v.Arguments = append(v.Arguments, Argument{Name: s.name(m.Key), Value: "not given", Last: s.value(m.Value, m.Key), Compared: true})
		}
	}
}

// arguments reads what is shown off a stored call: the arguments of a tool or
// prompt, else all params.
func arguments(it *book.Item) (access.Value, error) {
	if it.Faulty != nil {
		return access.Value{}, it.Faulty
	}
	r := &it.Request
	params, err := canon.Parse(r.Params, canon.Limits{Bytes: 256 << 20, Depth: 1000, FoldDepth: -1})
	if err != nil || canon.RequestDigest(r.Method, params) != r.Digest {
		return access.Value{}, errOther
	}
	if r.Kind == access.Tool || r.Kind == access.Prompt {
		return params.Get("arguments"), nil
	}
	return params, nil
}

// shows reports whether a text shows itself.
func shows(text string) bool { return term.Escape(text) == text }

// hides reports whether a text in v has characters that do not show themselves.
// Line ends and tabs are ordinary.
func hides(v access.Value) bool {
	if v.Kind() == access.String {
		plain := strings.NewReplacer("\n", "", "\t", "").Replace(v.Text())
		return !shows(plain)
	}
	for _, m := range v.Members() {
		if !shows(m.Key) || hides(m.Value) {
			return true
		}
	}
	return false
}

func plainTitle(r *approval.Request) string {
	switch r.Kind {
	case access.Tool:
		return r.Backend + "." + r.Name
	case access.Method:
		if r.Act == approval.ActAsk {
			return r.Name + " of the server " + r.Backend
		}
		return r.Name
	default:
		return r.Kind.String() + " " + r.Name
	}
}

// By says who asks: "by claude-code for os:dev in /home/dev/app".
func (v *View) By() string {
	var b strings.Builder
	if v.Client != "" {
		b.WriteString("by " + v.Client + " ")
	}
	b.WriteString("for " + v.Subject)
	if v.Root != "" {
		b.WriteString(" in " + v.Root)
	}
	return b.String()
}

// Why says which rules hold the call, what they ask for, and how the tool's
// definition compares.
func (v *View) Why() string {
	var parts []string
	for _, r := range v.Rules {
		text := "rule " + term.Escape(r.ID)
		if r.Position != "" {
			text += ", " + term.Escape(r.Position)
		}
		parts = append(parts, text+demands(r))
	}
	if v.Definition != "" {
		parts = append(parts, "definition "+v.Definition+" since the last one")
	}
	return strings.Join(parts, " · ")
}

// demands says what a rule asks of an answer, beyond an answer.
func demands(r approval.Rule) string {
	var parts []string
	if r.Quorum > 1 {
		parts = append(parts, fmt.Sprintf("%d people", r.Quorum))
	}
	if r.Group != "" {
		parts = append(parts, "of "+term.Escape(r.Group))
	}
	if r.NotSelf {
		parts = append(parts, "not yourself")
	}
	if r.Assurance != "" && r.Assurance != approval.Host {
		parts = append(parts, "by "+string(r.Assurance))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (needs " + strings.Join(parts, ", ") + ")"
}

// Lines are the arguments and the reason, for a terminal or a form: a name and
// a text in each.
func (v *View) Lines() [][2]string {
	var out [][2]string
	for _, a := range v.Arguments {
		text := a.Value
		switch {
		case a.Last != "":
			text += "   (last approved: " + a.Last + ")"
		case a.Compared:
			text += "   (as last approved)"
		}
		out = append(out, [2]string{a.Name, text})
	}
	if v.Hidden {
		out = append(out, [2]string{"HIDDEN", "this call contains characters that do not show; they are shown here as \\u escapes"})
	}
	if v.Issues != "" {
		out = append(out, [2]string{"LEASE", v.Issues})
	}
	if v.Masked {
		out = append(out, [2]string{"MASKED", "a secret stands in this call; it is shown as its name, and the answer is to its true value"})
	}
	if v.Problem != "" {
		out = append(out, [2]string{"PROBLEM", v.Problem + "; it cannot be allowed"})
	}
	return append(out, [2]string{"why", v.Why()})
}
