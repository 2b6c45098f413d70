package access

import "testing"

func TestZeroValuesDeny(t *testing.T) {
	var d Decision
	if !d.Denied() {
		t.Error("a decision that nobody took lets a call pass")
	}
	var truth Truth
	if truth != Unknown {
		t.Error("a condition that nobody answered is known")
	}
	var v Value
	if !v.IsAbsent() || v.Get("x").Kind() != Absent {
		t.Error("the zero value is something")
	}
}

func TestRefuseForgetsTheGrant(t *testing.T) {
	d := Decision{Effect: Allow, Reason: RuleAllowed, Rule: "a", PolicyDigest: "sha256:x"}
	d.Refuse(Internal, "fault")
	if d.Effect != Deny || d.Rule != "" || d.Reason != Internal || d.PolicyDigest != "sha256:x" {
		t.Errorf("got %+v", d)
	}
}

func TestOps(t *testing.T) {
	for i, n := range OpNames() {
		if op := ParseOp(n); op != 1<<i || len(op.Names()) != 1 || op.Names()[0] != n {
			t.Errorf("%s is %b, %v", n, op, op.Names())
		}
	}
	if ParseOp("fly") != 0 {
		t.Error("an unknown operation is something")
	}
}

func TestSubjectNames(t *testing.T) {
	for want, s := range map[string]Subject{
		"corp:ann": {ID: "ann", Issuer: "corp", Known: true},
		"ann":      {ID: "ann", Known: true},
		"":         {ID: "ann", Issuer: "corp"},
	} {
		if got := s.String(); got != want {
			t.Errorf("%+v is %q, want %q", s, got, want)
		}
	}
}
