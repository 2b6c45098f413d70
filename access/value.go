package access

// ValueKind is the JSON type of a [Value].
type ValueKind uint8

// The kinds of a value. Absent is the zero value: an argument that was not
// sent, which is not the same as null.
const (
	Absent ValueKind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// String returns the JSON name of the kind.
func (k ValueKind) String() string {
	return [...]string{"absent", "null", "boolean", "number", "string", "array", "object"}[k]
}

// Value is one JSON value exactly as it was sent: numbers keep their literal,
// every value keeps its bytes. Values are immutable and safe for concurrent
// use; the zero Value is [Absent]. They are built by a strict reader
// (internal/canon), never by hand from unchecked text.
type Value struct {
	kind  ValueKind
	items []Member
	raw   string
	text  string
}

// Member is one member of an object, or, with an empty key, one item of an
// array.
type Member struct {
	Key   string
	Value Value
}

// Parts returns kind, JSON text and decoded text of the value, without copying
// the rest of it.
func (m *Member) Parts() (kind ValueKind, raw, text string) {
	return m.Value.kind, m.Value.raw, m.Value.text
}

// Scalar builds a null, boolean, number or string. raw MUST be the JSON text
// of the value and text its decoded content (for strings; else empty).
func Scalar(kind ValueKind, raw, text string) Value {
	return Value{kind: kind, raw: raw, text: text}
}

// Composite builds an array or object. raw MUST be its JSON text; items MUST
// NOT be changed afterwards, and keys of an object MUST be distinct.
func Composite(kind ValueKind, raw string, items []Member) Value {
	return Value{kind: kind, raw: raw, items: items}
}

// Kind returns the JSON type.
func (v Value) Kind() ValueKind { return v.kind }

// IsAbsent reports whether there is no value at all.
func (v Value) IsAbsent() bool { return v.kind == Absent }

// Raw returns the JSON text as it was sent.
func (v Value) Raw() string { return v.raw }

// Text returns the decoded content of a string, and "" for everything else.
func (v Value) Text() string { return v.text }

// True reports whether the value is the literal true.
func (v Value) True() bool { return v.kind == Bool && v.raw == "true" }

// Len returns the number of members or items.
func (v Value) Len() int { return len(v.items) }

// At returns the i-th member or item. Its slice is shared: read only.
func (v Value) At(i int) Member { return v.items[i] }

// Members returns the members of an object or the items of an array, in the
// order sent. The slice is shared and MUST NOT be changed.
func (v Value) Members() []Member { return v.items }

// Get returns the member with exactly this key, or an absent value.
func (v Value) Get(key string) Value {
	if v.kind != Object {
		return Value{}
	}
	for i := range v.items {
		if v.items[i].Key == key {
			return v.items[i].Value
		}
	}
	return Value{}
}

// Path follows a sequence of object keys.
func (v Value) Path(keys ...string) Value {
	for _, k := range keys {
		v = v.Get(k)
	}
	return v
}
