package pep

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
)

// drawer remembers what it was asked to seal.
type drawer struct{ sealed []string }

func (d *drawer) Seal(slot int, seq uint64, hmac, method, params string) {
	d.sealed = append(d.sealed, fmt.Sprintf("%s %v %s %s", audit.FormatID(slot, seq), hmac != "", method, params))
}

// keeper says that a tier was applied.
type keeper struct{}

func (keeper) Keep(a *audit.Args, _ *access.Request) {
	if a != nil {
		a.Tier = 2
	}
}

// TestWhatIsSealed: the calls of the client, denied ones too, under the ids of
// their records; not what a person answered, nor what a backend asked for, nor
// what could not be recorded.
func TestWhatIsSealed(t *testing.T) {
	d := &drawer{}
	p, log, _ := point(t, Options{Authority: rules{decide: allow}, Seal: d, Keep: keeper{}})
	var want []string
	for _, c := range []struct {
		method, params string
		direction      Direction
		kept           bool
	}{
		{"tools/call", `{"name":"t","arguments":{"a":1},"_meta":{"x":1}}`, FromClient, true},
		{"tools/call", `{"name":"t","arguments":{"a":1}}`, Asked, true},
		{"resources/read", `{"uri":"https://x/?token=1"}`, FromClient, true},
		{"tools/call", `{"name":"t"}`, FromClient, false}, // there is nothing
		{"elicitation/create", `{"action":"accept","content":{"pin":"1234"}}`, Reply, false},
		{"sampling/createMessage", `{"messages":[]}`, FromBackend, false},
	} {
		in := call(t, c.method, c.params)
		in.Direction = c.direction
		a := p.Admit(in)
		if c.kept {
			want = append(want, fmt.Sprintf("%s true %s %s", a.ID, c.method, c.params))
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	p.Admit(call(t, "tools/call", `{"name":"t","arguments":{"a":1}}`))
	if diff := cmp.Diff(want, d.sealed); diff != "" || !slices.IsSorted(d.sealed[:3]) {
		t.Error(diff)
	}
}

func TestTiersAreApplied(t *testing.T) {
	p, _, _ := point(t, Options{Authority: rules{decide: allow}, Keep: keeper{}})
	c := call(t, "tools/call", `{"name":"t","arguments":{"a":1}}`)
	r := p.request(&c, target{kind: access.Tool, args: c.Params.Get("arguments")})
	if a := p.describe(r); a == nil || a.Tier != 2 {
		t.Errorf("described as %+v", a)
	}
}

// TestCoalescedDenialsAreNotSealed: calls that share a record would be kept for
// nobody, one after the other.
func TestCoalescedDenialsAreNotSealed(t *testing.T) {
	d := &drawer{}
	p, _, _ := point(t, Options{Authority: rules{decide: allow}, Seal: d})
	c := call(t, "tools/call", `{"name":"t","arguments":{"a":1}}`)
	a := p.Admit(c)
	for range 5 {
		p.seal(a, &audit.Record{Args: &audit.Args{}}, &c)
	}
	if p.Admit(c); len(d.sealed) != 2 {
		t.Errorf("sealed %q", d.sealed)
	}
}
