package admin

import (
	"errors"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/approval"
	"github.com/custos-zt/custos/internal/approval/book"
	"github.com/custos-zt/custos/internal/ask"
)

// Code says why something was not done.
type Code string

// The codes. They are part of the API: more are added, none is changed.
const (
	NotAllowed Code = "not_allowed" // the caller has not the capability
	NotFound   Code = "not_found"
	Invalid    Code = "invalid"     // what was asked for makes no sense
	Settled    Code = "settled"     // somebody answered already, or the request is void
	Expired    Code = "expired"     // nobody answered in time
	Assurance  Code = "assurance"   // the rule wants a surer way to answer
	Self       Code = "self"        // the rule wants another person than who asks
	Group      Code = "group"       // the rule wants somebody of a group
	Unknown    Code = "unknown"     // who answers is not known
	Hidden     Code = "hidden"      // characters that do not show were not accepted
	Unshowable Code = "unshowable"  // the call cannot be shown, and so not allowed
	NoDevice   Code = "no_device"   // no device for codes is enrolled
	WrongCode  Code = "wrong_code"  // wrong, too old, or used
	CodeLocked Code = "code_locked" // too many wrong codes
	Standing   Code = "standing"    // the rule lets no answer stand, or not this far
	Evidence   Code = "evidence"    // the log cannot be written, so that no answer counts
)

// Codes returns all of them.
func Codes() []Code {
	return []Code{
		NotAllowed, NotFound, Invalid, Settled, Expired, Assurance, Self, Group, Unknown, Hidden, Unshowable,
		NoDevice, WrongCode, CodeLocked, Standing, Evidence,
	}
}

// Refusal says why something was not done.
type Refusal struct {
	Code Code
	// Text is for people. It repeats nothing that an agent wrote.
	Text string
	err  error
}

// Error returns the text.
func (r *Refusal) Error() string { return r.Text }

// Unwrap returns what package approval or book said; nil where the refusal came
// over the wire.
func (r *Refusal) Unwrap() error { return r.err }

func refuse(c Code, text string) error { return &Refusal{Code: c, Text: text} }

// refusal turns what is no malfunction into a refusal.
func refusal(err error) error {
	if err == nil {
		return nil
	}
	var settled *book.SettledError
	if errors.As(err, &settled) {
		code := Settled
		if settled.Item.State == access.ApprovalLapsed {
			code = Expired
		}
		return &Refusal{code, err.Error(), err}
	}
	for _, known := range []struct {
		err  error
		code Code
	}{
		{book.ErrNotFound, NotFound},
		{approval.ErrAssurance, Assurance},
		{approval.ErrSelf, Self},
		{approval.ErrGroup, Group},
		{approval.ErrUnknown, Unknown},
		{approval.ErrNoStanding, Standing},
		{approval.ErrTerms, Standing},
		{approval.ErrOutside, Standing},
		{ask.ErrCandidate, Standing},
		{book.ErrNoLease, NotFound},
		{book.ErrOver, Settled},
		{book.ErrCounts, Invalid},
		{book.ErrNoDevice, NoDevice},
		{book.ErrCode, WrongCode},
		{book.ErrLocked, CodeLocked},
		{audit.ErrFailed, Evidence},
	} {
		if errors.Is(err, known.err) {
			return &Refusal{known.code, err.Error(), err}
		}
	}
	return err
}
