package audit

import (
	"encoding/json"
	"strconv"

	"github.com/custos-zt/custos/access"
)

// Fact is one piece of information that a decision could rest on, with where it
// came from and how old it was.
type Fact struct {
	Name string `json:"name"`
	// Value is a scalar as it was supplied; a longer or composite one is left out.
	Value  json.RawMessage `json:"value,omitempty"`
	Source string          `json:"source"`
	AgeMS  int64           `json:"age_ms"`
}

// Trust is the score that a decision saw, and what it was made of.
type Trust struct {
	Score int         `json:"score"`
	Parts []TrustPart `json:"parts,omitempty"`
}

// TrustPart is one contribution to a score.
type TrustPart struct {
	Of     string `json:"of"`
	Points int    `json:"points"`
}

// appendScalar appends a scalar, a string safe to show.
func appendScalar(b []byte, v access.Value) []byte {
	if v.Kind() == access.String {
		return appendText(b, v.Text())
	}
	return append(b, v.Raw()...)
}

// maxFactValue is the longest value of a fact that a record repeats.
const maxFactValue = 64

// NewFact describes a fact for a record.
func NewFact(name string, f access.Fact) Fact {
	out := Fact{Name: name, Source: f.Source, AgeMS: f.Age.Milliseconds()}
	switch f.Value.Kind() {
	case access.Absent, access.Array, access.Object:
	default:
		if raw := f.Value.Raw(); len(raw) <= maxFactValue {
			out.Value = json.RawMessage(appendScalar(nil, f.Value))
		}
	}
	return out
}

// appendAccount appends what stood behind a decision.
func appendAccount(b []byte, r *Record) []byte {
	b = appendCount(b, "matched_more", int64(r.MatchedMore), false)
	b = appendStrings(b, "add_labels", r.AddLabels)
	b = appendStrings(b, "notify", r.Notify)
	if n := r.Nearest; n != nil {
		b = append(b, `,"nearest":{"rule":`...)
		b = appendText(b, n.Rule)
		b = append(b, `,"position":`...)
		b = appendText(b, n.Position)
		b = append(appendOpen(b, n.Open), '}')
	}
	b = appendStepUp(b, r.StepUp)
	for i := range r.Facts {
		f := &r.Facts[i]
		b = openItem(b, "facts", i)
		b = append(b, `{"name":`...)
		b = appendText(b, f.Name)
		if len(f.Value) > 0 {
			b = append(b, `,"value":`...)
			b = append(b, f.Value...)
		}
		b = append(b, `,"source":`...)
		b = appendText(b, f.Source)
		b = append(appendCount(b, "age_ms", f.AgeMS, true), '}')
	}
	b = closeList(b, len(r.Facts))
	b = appendTrust(b, r.Trust)
	b = appendString(b, "lease", r.Lease)
	return appendCount(b, "key_age_s", r.KeyAgeS, false)
}

func appendStepUp(b []byte, s *access.StepUp) []byte {
	if s == nil {
		return b
	}
	b = append(b, `,"step_up":{"mfa":`...)
	b = strconv.AppendBool(b, s.MFA)
	b = appendStrings(b, "acr", s.ACR)
	return append(appendCount(b, "max_age_s", s.MaxAgeS, false), '}')
}

func appendTrust(b []byte, t *Trust) []byte {
	if t == nil {
		return b
	}
	b = append(b, `,"trust":{"score":`...)
	b = strconv.AppendInt(b, int64(t.Score), 10)
	for i, p := range t.Parts {
		b = openItem(b, "parts", i)
		b = append(b, `{"of":`...)
		b = appendText(b, p.Of)
		b = append(appendCount(b, "points", int64(p.Points), true), '}')
	}
	return append(closeList(b, len(t.Parts)), '}')
}

// appendOpen appends the conditions that were not true.
func appendOpen(b []byte, open []access.Condition) []byte {
	for i, c := range open {
		b = openItem(b, "open", i)
		b = append(b, `{"field":`...)
		b = appendText(b, c.Field)
		b = append(b, `,"truth":"`...)
		b = append(b, c.Truth.String()...)
		b = append(b, `"}`...)
	}
	return closeList(b, len(open))
}

// appendKept appends what a higher redaction tier keeps of the arguments.
func appendKept(b []byte, a *Args) []byte {
	b = appendCount(b, "tier", int64(a.Tier), false)
	b = appendStrings(b, "values", a.Values)
	if a.Age != "" { // longer than any text of a record
		b = append(b, `,"age":"`...)
		b = append(b, a.Age...)
		b = append(b, '"')
	}
	if a.Masked {
		b = append(b, `,"masked":true`...)
	}
	return b
}
