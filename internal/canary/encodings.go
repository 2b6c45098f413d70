package canary

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// encodings returns the distinct forms in which a value may stand in a text.
func encodings(value string) []string {
	out := []string{value}
	for _, once := range jsonForms(value) {
		out = append(out, once)
		out = append(out, jsonForms(once)...) // a JSON text within a JSON string
	}
	out = append(out, base64Forms(value)...)
	for _, percent := range []string{url.QueryEscape(value), url.PathEscape(value), percentAll(value)} {
		out = append(out, percent, lowerEscapes(percent))
	}
	out = append(out, hex.EncodeToString([]byte(value)), strings.ToUpper(hex.EncodeToString([]byte(value))))
	slices.Sort(out)
	out = slices.Compact(out)
	return slices.DeleteFunc(out, func(s string) bool { return len(s) < headSize })
}

// jsonForms are the ways in which encoders write a string in JSON.
func jsonForms(s string) []string {
	var plain bytes.Buffer
	enc := json.NewEncoder(&plain)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) != nil {
		return nil
	}
	text := strings.TrimSuffix(plain.String(), "\n")
	text = text[1 : len(text)-1]
	html, err := json.Marshal(s)
	if err != nil {
		return nil
	}
	var out []string
	for _, form := range []string{text, string(html[1 : len(html)-1]), asciiEscapes(text)} {
		out = append(out, form, strings.ReplaceAll(form, "/", `\/`))
	}
	return out
}

// asciiEscapes writes what is not ASCII as \uXXXX.
func asciiEscapes(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r < utf8.RuneSelf:
			b.WriteRune(r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// base64Forms are what the value looks like within the base64 of a longer text:
// the characters that it alone determines, at each of three alignments.
func base64Forms(value string) []string {
	var out []string
	for shift := range 3 {
		padded := append(make([]byte, shift), value...)
		from := (shift*8 + 5) / 6
		to := len(padded) * 8 / 6
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			out = append(out, e.EncodeToString(padded)[from:to])
		}
	}
	return out
}

// percentAll escapes every byte that is not unreserved (RFC 3986).
func percentAll(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// lowerEscapes writes percent escapes with lower-case digits.
func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], bytes.ToLower(b[i+1:i+3]))
			i += 2
		}
	}
	return string(b)
}
