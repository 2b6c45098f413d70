package sink

import (
	"math"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// message is a protobuf message being written, field by field. The generated
// messages of OTLP are what the tests read with; linking them costs every start
// of Custos a third of a megabyte, whether records are shipped or not.
type message []byte

// The field numbers are those of opentelemetry-proto 1.x, which are frozen.

func (m *message) text(field protowire.Number, s string) {
	if s == "" {
		return
	}
	if !utf8.ValidString(s) { // a string of protobuf is UTF-8 or is no string
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	*m = protowire.AppendString(protowire.AppendTag(*m, field, protowire.BytesType), s)
}

func (m *message) bytes(field protowire.Number, b []byte) {
	if len(b) > 0 {
		*m = protowire.AppendBytes(protowire.AppendTag(*m, field, protowire.BytesType), b)
	}
}

func (m *message) varint(field protowire.Number, n uint64) {
	if n != 0 {
		*m = protowire.AppendVarint(protowire.AppendTag(*m, field, protowire.VarintType), n)
	}
}

func (m *message) fixed(field protowire.Number, n uint64) {
	*m = protowire.AppendFixed64(protowire.AppendTag(*m, field, protowire.Fixed64Type), n)
}

func (m *message) double(field protowire.Number, f float64) { m.fixed(field, math.Float64bits(f)) }

// nest writes a message inside of m. An empty one is written too.
func (m *message) nest(field protowire.Number, write func(*message)) {
	var inner message
	write(&inner)
	*m = protowire.AppendBytes(protowire.AppendTag(*m, field, protowire.BytesType), inner)
}

// attributes writes a list of KeyValue.
func (m *message) attributes(field protowire.Number, list []attribute) {
	for _, a := range list {
		m.nest(field, func(kv *message) {
			kv.text(1, a.name)
			kv.nest(2, func(value *message) { // AnyValue
				if a.count != 0 {
					value.varint(3, a.count)
					return
				}
				value.anyText(a.text)
			})
		})
	}
}

// anyText writes a string of AnyValue, also where it is empty: no value at all
// is another thing.
func (m *message) anyText(s string) {
	if s == "" {
		*m = protowire.AppendString(protowire.AppendTag(*m, 1, protowire.BytesType), "")
		return
	}
	m.text(1, s)
}
