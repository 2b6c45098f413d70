package ocsf

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/custos-zt/custos/audit"
)

// Encoder writes events of one instance. Its methods may be called from any
// number of goroutines.
type Encoder struct {
	instance string
	product  string
	table    map[audit.Kind]row
}

// NewEncoder returns an encoder for the records of an instance, "i_…", as
// written by a version of Custos.
func NewEncoder(instance, product string) *Encoder {
	return &Encoder{instance: instance, product: product, table: rows()}
}

// Event is one record and what is known about it beside its text.
type Event struct {
	Record *audit.Record
	// Hash is the lower-case hexadecimal SHA-256 of the record as stored; ""
	// leaves the profile record_integrity out.
	Hash string
	// Admission is the admission that an outcome belongs to; nil: not known.
	Admission *audit.Record
}

// UID returns the id of a record that is unique among all instances: what a
// receiver removes duplicates by.
func UID(instance string, slot int, seq uint64) string {
	return instance + ":" + strconv.Itoa(slot) + ":" + strconv.FormatUint(seq, 10)
}

// Append appends one event as a line of JSON without its newline.
func (e *Encoder) Append(b []byte, ev Event) ([]byte, error) {
	r := ev.Record
	shape, ok := e.table[r.Kind]
	if !ok {
		shape = unknownKind()
	}
	out := event{
		ActivityID: shape.activity.id, ActivityName: shape.activity.name,
		CategoryUID: shape.class.category, CategoryName: shape.class.catName,
		ClassUID: shape.class.uid, ClassName: shape.class.name,
		SeverityID: informational,
		Time:       r.Time.UnixMilli(),
		Message:    summary(r),
		Metadata:   e.metadata(r),
		Unmapped:   unmapped{mcp{MCPVersion, r.ExportJSON()}},
	}
	e.attest(&out, &ev)
	shape.fill(&out, &ev)
	out.Severity = severities(out.SeverityID)
	out.TypeUID = out.ClassUID*100 + out.ActivityID
	out.TypeName = out.ClassName + ": " + out.ActivityName
	if out.ActivityID == 99 {
		out.TypeName = out.ClassName + ": Other"
	}
	text, err := json.Marshal(&out)
	if err != nil {
		return b, fmt.Errorf("ocsf: record %s: %w", r.ID(), err)
	}
	return AppendASCII(b, text), nil
}

func (e *Encoder) metadata(r *audit.Record) metadata {
	m := metadata{
		Version: Version,
		Product: product{Name: "Custos", VendorName: "Custos", Version: e.product},
		UID:     UID(e.instance, r.Slot, r.Seq), EventCode: string(r.Kind),
		LogName: "custos", LogProvider: "custos", LogVersion: strconv.Itoa(r.Version),
		Sequence: r.Seq, OriginalTime: r.Time.UTC().Format("2006-01-02T15:04:05.000000Z"),
	}
	switch {
	case r.Kind == audit.KindAdmission:
		m.CorrelationUID = m.UID
	case r.Admission != 0:
		m.CorrelationUID = UID(e.instance, r.Slot, r.Admission)
	}
	return m
}

// attest adds the hash of the record and that of the one before it.
func (e *Encoder) attest(out *event, ev *Event) {
	if ev.Hash == "" {
		return
	}
	r := ev.Record
	a := attestation{
		UID:          UID(e.instance, r.Slot, r.Seq),
		AuthorityUID: e.instance,
		ChainUID:     "custos/" + e.instance + "/" + audit.SlotName(r.Slot),
		Fingerprint:  sha256Of(ev.Hash),
	}
	if r.Seq > 1 && r.Prev != "" {
		a.PrevEvent = &prevEvent{UID: UID(e.instance, r.Slot, r.Seq-1), Fingerprint: sha256Of(r.Prev)}
	}
	out.Attestations = []attestation{a}
	out.declare("record_integrity")
}

func sha256Of(value string) fingerprint {
	return fingerprint{
		AlgorithmID: 3, Algorithm: "SHA-256", EncodingID: 1, Encoding: "Hex",
		SerializationID: 99, Serialization: "Custos record as stored, version 1", Value: value,
	}
}

// declare names a profile whose attributes the event has.
func (out *event) declare(profile string) {
	out.Metadata.Profiles = append(out.Metadata.Profiles, profile)
}

// summary is one line for people.
func summary(r *audit.Record) string {
	words := []string{string(r.Kind)}
	if r.Decision != 0 {
		words = append(words, r.Decision.String())
	}
	if r.Status != "" {
		words = append(words, string(r.Status))
	}
	words = append(words, r.Method)
	if t := target(r); t != "" {
		words = append(words, t)
	}
	words = append(words, string(r.Reason), r.Detail)
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}

// target is what a call is about, or the server that it went to.
func target(r *audit.Record) string { return cmp.Or(r.Target(), r.Backend) }

// AppendASCII appends JSON with everything that is not printable ASCII escaped.
// In JSON such characters stand in strings alone, so the meaning stays.
func AppendASCII(b, text []byte) []byte {
	for len(text) > 0 {
		n := 0
		for n < len(text) && text[n] < 0x7f {
			n++
		}
		b, text = append(b, text[:n]...), text[n:]
		if len(text) == 0 {
			break
		}
		r, size := utf8.DecodeRune(text)
		text = text[size:]
		if r > 0xffff {
			high, low := utf16.EncodeRune(r)
			b = appendEscape(b, high)
			r = low
		}
		b = appendEscape(b, r)
	}
	return b
}

func appendEscape(b []byte, r rune) []byte {
	const hexits = "0123456789abcdef"
	return append(b, '\\', 'u', hexits[r>>12&15], hexits[r>>8&15], hexits[r>>4&15], hexits[r&15])
}
