package canon

import (
	"slices"
	"unicode/utf8"

	"github.com/custos-zt/custos/access"
)

// Limits caps what is read. Start from [DefaultLimits]: the zero Limits has
// default caps but no case folding.
type Limits struct {
	// Bytes caps the input, Depth the nesting of arrays and objects, Values the
	// number of values (each costs about 80 bytes of memory, so that a frame of
	// bare zeros cannot cost forty times its size). 0 means the default.
	Bytes  int
	Depth  int
	Values int
	// FoldDepth is the number of levels on which sibling keys that differ only
	// by Unicode simple case folding are refused: 1 is the outermost object
	// alone, below zero is every level, 0 none. Results of backends are read
	// with a small FoldDepth, since {"Path": …, "PATH": …} is a fair result.
	// Equal keys are refused at every level.
	FoldDepth int
	// LoneSurrogates accepts half a surrogate pair in the value of a string and
	// decodes it to U+FFFD, which equals no name: servers that cut text in UTF-16
	// write one in good faith. Keys never may hold one.
	LoneSurrogates bool
}

const (
	defaultBytes  = 16 << 20
	defaultDepth  = 64
	defaultValues = 1 << 20
)

// DefaultLimits returns 16 MiB, 64 levels, 1,048,576 values, and folding on
// every level.
func DefaultLimits() Limits {
	return Limits{Bytes: defaultBytes, Depth: defaultDepth, Values: defaultValues, FoldDepth: -1}
}

func (l Limits) withDefaults() Limits {
	if l.Bytes == 0 {
		l.Bytes = defaultBytes
	}
	if l.Depth == 0 {
		l.Depth = defaultDepth
	}
	if l.Values == 0 {
		l.Values = defaultValues
	}
	return l
}

// Scan reads frame as exactly one JSON document with exactly one meaning:
// RFC 8259 to the letter, valid UTF-8, nothing behind the document but white
// space, no equal sibling keys after unescaping, no keys that differ only in
// case (see [Limits]), no lone surrogates, no NUL in keys.
//
// Every string of the value is part of one copy of the frame, except strings
// with escapes; frame itself may be reused. The error is an [*Error].
func Scan(frame []byte, l Limits) (access.Value, error) {
	l = l.withDefaults()
	if len(frame) > l.Bytes {
		return access.Value{}, tooLong(l)
	}
	return parse(string(frame), l)
}

// Parse is [Scan] for a string, which it does not copy.
func Parse(text string, l Limits) (access.Value, error) {
	l = l.withDefaults()
	if len(text) > l.Bytes {
		return access.Value{}, tooLong(l)
	}
	return parse(text, l)
}

func tooLong(l Limits) error {
	return &Error{TooLarge, l.Bytes, "more bytes than allowed"}
}

func parse(text string, l Limits) (access.Value, error) {
	if !utf8.ValidString(text) {
		return access.Value{}, &Error{Ambiguous, invalidUTF8(text), "invalid UTF-8"}
	}
	guess := min(4+len(text)/24, 24)
	room := make([]access.Member, 2*guess)
	s := scanner{src: text, limits: l, arena: room[:0:guess], stack: room[guess:guess]}
	s.space()
	v, err := s.value(1)
	if err != nil {
		return access.Value{}, err
	}
	s.space()
	if s.pos < len(text) {
		return access.Value{}, s.unexpected("end of input")
	}
	return v, nil
}

func invalidUTF8(s string) int {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return i
			}
		}
	}
	return len(s)
}

// scanner is a recursive descent over src. Members of open containers lie on
// one stack; a container that closes moves its own into the arena, so that a
// small frame costs one allocation beside its copy.
type scanner struct {
	src    string
	pos    int
	limits Limits
	values int
	stack  []access.Member
	arena  []access.Member
}

func (s *scanner) space() {
	for s.pos < len(s.src) {
		switch s.src[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// value reads the value at pos; depth is the level a container here would
// have.
func (s *scanner) value(depth int) (access.Value, error) {
	if s.values++; s.values > s.limits.Values {
		return access.Value{}, &Error{TooLarge, s.pos, "more values than allowed"}
	}
	if s.pos >= len(s.src) {
		return access.Value{}, s.unexpected("a value")
	}
	start := s.pos
	switch c := s.src[s.pos]; {
	case c == '"':
		text, err := s.string(s.limits.LoneSurrogates)
		if err != nil {
			return access.Value{}, err
		}
		return access.Scalar(access.String, s.src[start:s.pos], text), nil
	case c == '{':
		return s.container(access.Object, depth)
	case c == '[':
		return s.container(access.Array, depth)
	case c == '-' || '0' <= c && c <= '9':
		if err := s.number(); err != nil {
			return access.Value{}, err
		}
		return access.Scalar(access.Number, s.src[start:s.pos], ""), nil
	case c == 't':
		return s.literal("true", access.Bool)
	case c == 'f':
		return s.literal("false", access.Bool)
	case c == 'n':
		return s.literal("null", access.Null)
	}
	return access.Value{}, s.unexpected("a value")
}

func (s *scanner) literal(word string, kind access.ValueKind) (access.Value, error) {
	if len(s.src)-s.pos < len(word) || s.src[s.pos:s.pos+len(word)] != word {
		return access.Value{}, s.unexpected("a value")
	}
	start := s.pos
	s.pos += len(word)
	return access.Scalar(kind, s.src[start:s.pos], ""), nil
}

// container reads the array or object that opens at pos.
func (s *scanner) container(kind access.ValueKind, depth int) (access.Value, error) {
	if depth > s.limits.Depth {
		return access.Value{}, &Error{TooLarge, s.pos, "deeper nesting than allowed"}
	}
	start, base := s.pos, len(s.stack)
	closer := byte(']')
	if kind == access.Object {
		closer = '}'
	}
	s.pos++
	s.space()
	if s.pos < len(s.src) && s.src[s.pos] == closer {
		s.pos++
		return access.Composite(kind, s.src[start:s.pos], nil), nil
	}
	keys := keySet{fold: s.limits.FoldDepth < 0 || depth <= s.limits.FoldDepth}
	for {
		var key string
		if kind == access.Object {
			var err error
			if key, err = s.key(&keys, base); err != nil {
				return access.Value{}, err
			}
		}
		v, err := s.value(depth + 1)
		if err != nil {
			return access.Value{}, err
		}
		if len(s.stack) == cap(s.stack) {
			// append would grow by a quarter, and copy a long array five times.
			s.stack = slices.Grow(s.stack, len(s.stack)+1)
		}
		s.stack = append(s.stack, access.Member{Key: key, Value: v})
		s.space()
		if s.pos >= len(s.src) {
			return access.Value{}, s.unexpected("a comma or the end of the " + kind.String())
		}
		switch s.src[s.pos] {
		case ',':
			s.pos++
			s.space()
			continue
		case closer:
			s.pos++
			return access.Composite(kind, s.src[start:s.pos], s.keep(base)), nil
		}
		return access.Value{}, s.unexpected("a comma or the end of the " + kind.String())
	}
}

// key reads a key and its colon. base is where the object's members begin on
// the stack.
func (s *scanner) key(keys *keySet, base int) (string, error) {
	start := s.pos
	if s.pos >= len(s.src) || s.src[s.pos] != '"' {
		return "", s.unexpected("a key")
	}
	key, err := s.string(false)
	if err != nil {
		return "", err
	}
	if msg := keys.add(s.stack[base:], key); msg != "" {
		return "", &Error{Ambiguous, start, msg}
	}
	s.space()
	if s.pos >= len(s.src) || s.src[s.pos] != ':' {
		return "", s.unexpected("a colon")
	}
	s.pos++
	s.space()
	return key, nil
}

// keep moves the members above base from the stack into the arena.
func (s *scanner) keep(base int) []access.Member {
	n := len(s.stack) - base
	if cap(s.arena)-len(s.arena) < n {
		s.arena = make([]access.Member, 0, max(n, 64))
	}
	at := len(s.arena)
	s.arena = append(s.arena, s.stack[base:]...)
	s.stack = s.stack[:base]
	return s.arena[at : at+n : at+n]
}

// unexpected refuses what stands at pos.
func (s *scanner) unexpected(want string) error {
	if s.pos >= len(s.src) {
		return &Error{Malformed, s.pos, "want " + want + ", got the end"}
	}
	_, n := utf8.DecodeRuneInString(s.src[s.pos:])
	return &Error{Malformed, s.pos, "want " + want + ", got " + quoted(s.src[s.pos:s.pos+n])}
}
