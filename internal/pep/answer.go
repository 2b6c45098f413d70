package pep

import (
	"strings"

	"github.com/custos-zt/custos/access"
)

// Denied says that a call was not run. A denial is a value: it becomes an
// error only at the edge where Go callers expect one.
type Denied struct {
	Admission *Admission
	// Cause is the malfunction behind the denial, nil where policy denied.
	Cause error
}

// Error returns the text that callers see.
func (d *Denied) Error() string { return d.Admission.Text() }

// Unwrap returns the malfunction, if there was one.
func (d *Denied) Unwrap() error { return d.Cause }

const evidenceMessage = "its decision could not be recorded"

// Unrecorded turns an admission whose record is not durable into the denial
// that it is.
func (a *Admission) Unrecorded() {
	a.Decision.Refuse(access.EvidenceUnavailable, evidenceMessage)
	a.Decision.Remediation = "Tell the person that Custos cannot write its log."
}

// Wire returns the coarse reason that callers see.
func (a *Admission) Wire() string {
	if a.Decision.Hidden {
		return access.ToolUnknown.Wire()
	}
	return a.Decision.Reason.Wire()
}

// Text returns the denial as people and models read it:
//
//	Custos denied files.write_file: MESSAGE. REMEDIATION [DECISION ID]
//
// What is hidden reads like what does not exist. What people are still asked
// about reads as what is held, and what to do about it.
func (a *Admission) Text() string {
	if a.PendingID() != "" {
		return a.heldText()
	}
	d := &a.Decision
	message, remediation := d.Message, d.Remediation
	if d.Hidden {
		message, remediation = "nothing of this name is available here", ""
	}
	if message == "" {
		message = "the policy does not allow it"
	}
	var b strings.Builder
	b.WriteString("Custos denied ")
	b.WriteString(clip(a.Title, 200))
	b.WriteString(": ")
	b.WriteString(sentence(message))
	if remediation != "" {
		b.WriteString(" ")
		b.WriteString(sentence(remediation))
	}
	b.WriteString(" [")
	b.WriteString(a.ID)
	b.WriteString("]")
	return b.String()
}

// sentence ends a text with one full stop.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if strings.HasSuffix(s, ".") || strings.HasSuffix(s, "?") || strings.HasSuffix(s, "!") {
		return s
	}
	return s + "."
}

// clip bounds what is repeated from a request: at most n bytes, whole runes.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}
