package pdp

import (
	"strings"
	"unicode"

	"github.com/custos-zt/custos/access"
)

// Command is a pattern for one whole command: words, each with alternatives.
type Command struct {
	Text  string
	words [][]string
}

// ParseCommand reads a pattern such as `git status|diff` or `go test ./...`.
// Words are separated by spaces; `a|b` are alternatives for one word; `*` in a
// word is any run of characters, `?` any one; everything else is literal.
func ParseCommand(text string) Command {
	c := Command{Text: text}
	for _, w := range strings.Fields(text) {
		c.words = append(c.words, strings.Split(w, "|"))
	}
	return c
}

// commands judges every argument that is declared as a command. A call of a
// tool that is described and has none carries no command: false.
func (e *evaluation) commands(op *op, g reading) access.Truth {
	switch {
	case len(e.r.Tool.Commands) > 0:
	case e.r.Kind == access.Tool && (!e.r.Tool.Described || looksLikeCommand(e.r.Args)):
		return access.Unknown // nothing says where the command is
	default:
		return access.False
	}
	t := truth(g == granting)
	for _, arg := range e.r.Tool.Commands {
		one := judgeCommand(operandsOf(e.s.commands, op), argument(e.r.Args, arg), g)
		if g == granting {
			t = and(t, one)
		} else {
			t = or(t, one)
		}
	}
	return t
}

// looksLikeCommand reports whether an argument has a name that programs to run
// usually have.
func looksLikeCommand(args access.Value) bool {
	for i := range args.Len() {
		switch args.At(i).Key {
		case "command", "commands", "cmd", "command_line", "commandLine", "script", "argv":
			return true
		}
	}
	return false
}

// argument follows a declared path of plain keys.
func argument(args access.Value, path string) access.Value {
	for path != "" {
		var key string
		key, path, _ = strings.Cut(path, ".")
		args = args.Get(key)
	}
	return args
}

// judgeCommand judges a command line, or the array of its words. A character
// that a shell may understand makes it unknown: what runs is then not what
// stands there.
func judgeCommand(patterns []Command, v access.Value, g reading) access.Truth {
	var buf [16]string
	words := buf[:0]
	switch v.Kind() {
	case access.String:
		if !plainCommand(v.Text()) {
			return access.Unknown
		}
		words = fields(words, v.Text())
	case access.Array:
		for i := range v.Len() {
			w := v.At(i).Value
			if w.Kind() != access.String || !plainCommand(w.Text()) || strings.ContainsAny(w.Text(), " \t") || w.Text() == "" {
				return access.Unknown
			}
			words = append(words, w.Text())
		}
	default:
		return access.Unknown
	}
	if len(words) == 0 || strings.Contains(words[0], "=") {
		return access.Unknown
	}
	for i := range patterns {
		if g == granting && patterns[i].whole(words) || g == restricting && patterns[i].within(words) {
			return access.True
		}
	}
	return access.False
}

// fields appends the words of a command that has no tricks in it.
func fields(out []string, s string) []string {
	for {
		s = strings.TrimLeft(s, " \t")
		if s == "" {
			return out
		}
		end := strings.IndexAny(s, " \t")
		if end < 0 {
			end = len(s)
		}
		out, s = append(out, s[:end]), s[end:]
	}
}

// plainCommand reports whether no character of s means something to a shell.
func plainCommand(s string) bool {
	for _, r := range s {
		switch {
		case r == ' ' || r == '\t':
		case strings.ContainsRune("|&;<>()$`\\\"'*?[]#~!{}%^", r):
			return false
		case r < 0x21 || r == 0x7f || r > 0x7f && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r):
			return false
		}
	}
	return true
}

// whole reports whether the words are the pattern, one for one.
func (c *Command) whole(words []string) bool {
	if len(words) != len(c.words) {
		return false
	}
	for i, w := range words {
		if !oneOf(c.words[i], w) {
			return false
		}
	}
	return true
}

// within reports whether the pattern stands anywhere in the words, a program
// also by the last part of its path.
func (c *Command) within(words []string) bool {
	for from := 0; from+len(c.words) <= len(words); from++ {
		found := true
		for i, alts := range c.words {
			w := words[from+i]
			if !oneOf(alts, w) && !oneOf(alts, w[strings.LastIndexByte(w, '/')+1:]) {
				found = false
				break
			}
		}
		if found {
			return true
		}
	}
	return false
}

func oneOf(alts []string, word string) bool {
	for _, a := range alts {
		if wildWord(a, word) {
			return true
		}
	}
	return false
}

// wildWord is wild with `?` for any one byte.
func wildWord(pattern, s string) bool {
	p, i, star, at := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, at = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			at++
			p, i = star+1, at
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
