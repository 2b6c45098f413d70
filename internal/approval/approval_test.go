package approval

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/custos-zt/custos/access"
)

func TestEveryPartOfARequestIsBound(t *testing.T) {
	// The digest of Params is bound, rules are compared, Secrets say what is shown
	// and Paths what follows from the call.
	free := map[string]bool{"Params": true, "Rules": true, "Secrets": true, "Paths": true}
	seen := map[[32]byte]string{}
	var r Request
	seen[r.Binding()] = "nothing"
	for i := range reflect.TypeFor[Request]().NumField() {
		field := reflect.TypeFor[Request]().Field(i)
		if free[field.Name] {
			continue
		}
		changed := Request{}
		v := reflect.ValueOf(&changed).Elem().Field(i)
		switch v.Kind() {
		case reflect.String:
			v.SetString("x")
		case reflect.Array:
			v.Index(0).SetUint(1)
		default:
			v.SetUint(1)
		}
		if other, ok := seen[changed.Binding()]; ok {
			t.Errorf("%s is bound no better than %s", field.Name, other)
		}
		seen[changed.Binding()] = field.Name
	}
	if (&Request{Subject: "ab"}).Binding() == (&Request{Subject: "a", Agent: "b"}).Binding() {
		t.Error("two parts run into each other")
	}
}

func TestARefusalOutlivesAReconnection(t *testing.T) {
	a := Request{Subject: "os:dev", Backend: "files", Name: "write_file", Client: "one", Root: "/a", Policy: "p"}
	b := a
	b.Client, b.Root, b.Policy, b.Instance = "two", "/b", "q", "i"
	if a.Asked() != b.Asked() || a.Binding() == b.Binding() {
		t.Error("a client escapes a refusal by another name, or uses the grant of another one")
	}
	b.Digest[0] = 1
	if a.Asked() == b.Asked() {
		t.Error("the refusal of one call refuses another")
	}
}

func vote(by string, with Assurance, groups ...string) Vote {
	return Vote{Answer: access.Answer{Allow: true, By: by, Assurance: string(with)}, Groups: groups}
}

func TestGranted(t *testing.T) {
	refusal := vote("os:ann", Host)
	refusal.Allow = false
	for _, c := range []struct {
		name    string
		rules   []Rule
		votes   []Vote
		granted bool
		missing int
		err     error // of the last vote
	}{
		{"nobody answered", []Rule{{}}, nil, false, 1, nil},
		{"nothing holds", nil, []Vote{vote("os:ann", Host)}, false, 0, ErrGroup},
		{"one is enough", []Rule{{}}, []Vote{vote("os:ann", Host)}, true, 0, nil},
		{"nobody known", []Rule{{}}, []Vote{vote("", Host)}, false, 1, ErrUnknown},
		{"a refusal allows nothing", []Rule{{}}, []Vote{refusal}, false, 1, nil},
		{"a quorum of two", []Rule{{Quorum: 2}}, []Vote{vote("os:ann", Host)}, false, 1, nil},
		{"one person twice", []Rule{{Quorum: 2}}, []Vote{vote("os:ann", Host), vote("os:ann", Host)}, false, 1, nil},
		{"two people", []Rule{{Quorum: 2}}, []Vote{vote("os:ann", Host), vote("os:bob", Host)}, true, 0, nil},
		{"yourself", []Rule{{NotSelf: true}}, []Vote{vote("os:dev", Host)}, false, 1, ErrSelf},
		{"yourself where you may", []Rule{{}}, []Vote{vote("os:dev", Host)}, true, 0, nil},
		{"too little assurance", []Rule{{Assurance: Code}}, []Vote{vote("os:ann", Host)}, false, 1, ErrAssurance},
		{"more assurance than asked", []Rule{{Assurance: Code}}, []Vote{vote("os:ann", Remote)}, true, 0, nil},
		{"an assurance nobody knows", []Rule{{}}, []Vote{vote("os:ann", "sworn")}, false, 1, ErrAssurance},
		{"no assurance", []Rule{{}}, []Vote{vote("os:ann", "")}, false, 1, ErrAssurance},
		{"a rule that asks for what nobody knows", []Rule{{Assurance: "oath"}}, []Vote{vote("os:ann", Remote)}, false, 1, ErrAssurance},
		{"not of the group", []Rule{{Group: "ops"}}, []Vote{vote("os:ann", Host, "dev")}, false, 1, ErrGroup},
		{"of the group", []Rule{{Group: "ops"}}, []Vote{vote("os:ann", Host, "dev", "ops")}, true, 0, nil},
		{"two rules, one satisfied", []Rule{{Group: "ops"}, {Group: "sec"}}, []Vote{vote("os:ann", Host, "ops")}, false, 1, nil},
		{"two rules, one person of both", []Rule{{Group: "ops"}, {Group: "sec"}}, []Vote{vote("os:ann", Host, "ops", "sec")}, true, 0, nil},
		{"two rules, two people", []Rule{{Group: "ops"}, {Group: "sec", Quorum: 1}}, []Vote{vote("os:a", Host, "ops"), vote("os:b", Host, "sec")}, true, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &Request{Subject: "os:dev", Rules: c.rules}
			if got := Granted(r, c.votes); got != c.granted {
				t.Errorf("granted is %v", got)
			}
			if got := Missing(r, c.votes); got != c.missing {
				t.Errorf("%d are missing, want %d", got, c.missing)
			}
			if n := len(c.votes); n > 0 {
				if err := Check(r, &c.votes[n-1]); !errors.Is(err, c.err) || c.err == nil && err != nil {
					t.Errorf("the last vote: %v, want %v", err, c.err)
				}
			}
		})
	}
}

func TestCovers(t *testing.T) {
	a, b := Rule{ID: "a"}, Rule{ID: "b"}
	for _, c := range []struct {
		granted, now []Rule
		want         bool
	}{
		{[]Rule{a, b}, []Rule{a}, true},
		{[]Rule{a}, []Rule{a}, true},
		{[]Rule{a}, []Rule{a, b}, false},
		{[]Rule{a}, nil, false},
		{[]Rule{a}, []Rule{{ID: "a", Quorum: 2}}, false},
	} {
		if got := Covers(c.granted, c.now); got != c.want {
			t.Errorf("%v covers %v: %v", c.granted, c.now, got)
		}
	}
}

func TestATermEndsByEitherClock(t *testing.T) {
	start := Moment{Wall: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC), Since: time.Hour, Boot: "b"}
	term := NewTerm(start, 10*time.Minute)
	at := func(wall, since time.Duration, boot string) Moment {
		return Moment{Wall: start.Wall.Add(wall), Since: start.Since + since, Boot: boot}
	}
	for _, c := range []struct {
		name string
		now  Moment
		live bool
	}{
		{"at once", start, true},
		{"before its end", at(10*time.Minute-1, 10*time.Minute-1, "b"), true},
		{"at its end", at(10*time.Minute, 10*time.Minute-1, "b"), false},
		{"at its end by the other clock", at(time.Minute, 10*time.Minute, "b"), false},
		{"the wall clock set back a little", at(-time.Second, time.Second, "b"), true},
		{"the wall clock set back", at(-3*time.Second, time.Second, "b"), false},
		{"the wall clock set back, late", at(time.Minute, 11*time.Minute, "b"), false},
		{"another boot", at(time.Minute, 100*time.Hour, "c"), true},
		{"another boot, late", at(time.Hour, -time.Hour, "c"), false},
	} {
		if got := term.Live(c.now); got != c.live {
			t.Errorf("%s: live is %v", c.name, got)
		}
	}
}
