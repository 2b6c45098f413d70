package audit

import (
	"encoding/csv"
	"io"
	"iter"
	"strconv"
	"strings"

	"github.com/custos-zt/custos/access"
)

// ExportJSON returns the record as one exported line without its newline: kind
// and id first, then what is stored. The line is for readers; evidence is the
// stored line alone.
func (r *Record) ExportJSON() []byte { return r.AppendJSON(make([]byte, 0, 1024)) }

// AppendJSON is ExportJSON into a buffer.
func (r *Record) AppendJSON(b []byte) []byte {
	b = append(b, `{"kind":`...)
	b = appendText(b, string(r.Kind))
	b = appendString(b, "id", r.ID())
	b = appendCount(b, "slot", int64(r.Slot), true)
	b = append(b, `,"seq":`...)
	b = strconv.AppendUint(b, r.Seq, 10)
	b = append(b, `,"time":"`...)
	b = appendTime(b, r.Time)
	b = append(b, '"')
	b = appendFields(b, r)
	b = appendString(b, "prev", r.Prev)
	b = appendCount(b, "v", int64(r.Version), true)
	return append(b, '}')
}

// MarshalJSON makes a record its exported line wherever it is encoded.
func (r Record) MarshalJSON() ([]byte, error) { return r.ExportJSON(), nil }

// csvColumn is one column of the exported table.
type csvColumn struct {
	name string
	get  func(*Record) string
}

// csvColumns lists the columns in order.
func csvColumns() []csvColumn {
	return []csvColumn{
		{"kind", func(r *Record) string { return string(r.Kind) }},
		{"id", func(r *Record) string { return r.ID() }},
		{"slot", func(r *Record) string { return strconv.Itoa(r.Slot) }},
		{"seq", func(r *Record) string { return strconv.FormatUint(r.Seq, 10) }},
		{"time", func(r *Record) string { return string(appendTime(nil, r.Time)) }},
		{"admission", func(r *Record) string { return positive(int64(r.Admission)) }},
		{"rpc_id", func(r *Record) string { return r.RPCID }},
		{"method", func(r *Record) string { return r.Method }},
		{"backend", func(r *Record) string { return r.Backend }},
		{"tool", func(r *Record) string { return r.Tool }},
		{"uri", func(r *Record) string { return r.URI }},
		{"prompt", func(r *Record) string { return r.Prompt }},
		{"decision", func(r *Record) string {
			if r.Decision == access.None {
				return ""
			}
			return r.Decision.String()
		}},
		{"reason", func(r *Record) string { return string(r.Reason) }},
		{"rule", func(r *Record) string { return r.Rule }},
		{"position", func(r *Record) string { return r.Position }},
		{"layer", func(r *Record) string { return r.Layer }},
		{"policy_digest", func(r *Record) string { return r.PolicyDigest }},
		{"subject", func(r *Record) string { return r.Subject }},
		{"client", func(r *Record) string { return r.Client }},
		{"session", func(r *Record) string { return r.Session }},
		{"isolation", func(r *Record) string { return r.Isolation }},
		{"args", func(r *Record) string {
			if r.Args == nil {
				return ""
			}
			return strings.Join(r.Args.Names, " ")
		}},
		{"status", func(r *Record) string { return string(r.Status) }},
		{"bytes", func(r *Record) string { return positive(r.Bytes) }},
		{"duration_us", func(r *Record) string { return positive(r.DurationUS) }},
		{"labels", func(r *Record) string { return strings.Join(r.Labels, " ") }},
		{"message", func(r *Record) string { return r.Message }},
		{"detail", func(r *Record) string { return r.Detail }},
	}
}

func positive(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// WriteCSV writes records as a table with a heading. It stops at the first
// error of the records or of w. A cell that a spreadsheet would take for a
// formula is preceded by an apostrophe: agents choose much of what stands in
// them.
func WriteCSV(w io.Writer, records iter.Seq2[Record, error]) error {
	cw := csv.NewWriter(w)
	cols := csvColumns()
	row := make([]string, len(cols))
	for i, c := range cols {
		row[i] = c.name
	}
	if err := cw.Write(row); err != nil {
		return err
	}
	for r, err := range records {
		if err != nil {
			cw.Flush()
			return err
		}
		for i, c := range cols {
			row[i] = cell(c.get(&r))
		}
		if err := cw.Write(row); err != nil {
			return err
		}
	}
	cw.Flush()
	return cw.Error()
}

// cell makes a text safe for terminals and spreadsheets. It is escaped as in
// JSON, because CSV has no escapes of its own.
func cell(s string) string {
	b := appendText(nil, s)
	s = strings.ReplaceAll(string(b[1:len(b)-1]), `\"`, `"`)
	if s != "" && strings.ContainsRune("=+-@", rune(s[0])) {
		return "'" + s
	}
	return s
}
