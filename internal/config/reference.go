package config

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Reference says where a secret lies. The configuration never holds one: who
// may read the file would hold it too, and so would every copy of it.
// The zero Reference names nothing.
type Reference struct {
	Scheme string // "env", "file" or "vault"
	Name   string // a variable, a path or a name in the vault
}

// maxSecret bounds what is read of a file that a reference names.
const maxSecret = 64 << 10

// ErrNoVault is returned for references into a vault.
var ErrNoVault = errors.New("this version of Custos has no vault yet (use env:NAME or file:PATH)")

// IsZero reports whether the reference names nothing.
func (r Reference) IsZero() bool { return r == Reference{} }

// String returns the reference as written. It is no secret.
func (r Reference) String() string {
	if r.IsZero() {
		return ""
	}
	return r.Scheme + ":" + r.Name
}

// Resolve returns the secret, without the line break that editors put at the
// end of a file. Its errors name the reference and never what was read. A file
// that others can read is refused. getenv is os.Getenv, or a test's.
func (r Reference) Resolve(getenv func(string) string) (string, error) {
	switch r.Scheme {
	case "env":
		if v := getenv(r.Name); v != "" {
			return v, nil
		}
		return "", fmt.Errorf("%s: the environment variable is not set", r)
	case "file":
		return r.fromFile()
	case "vault":
		return "", fmt.Errorf("%s: %w", r, ErrNoVault)
	}
	return "", errors.New("no secret is named")
}

func (r Reference) fromFile() (string, error) {
	f, err := os.Open(r.Name)
	if err != nil {
		return "", fmt.Errorf("%s: %s", r, plain(err))
	}
	defer f.Close()
	info, err := f.Stat() // of what was opened, not of what lay there before
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %s", r, plain(err))
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s: is not a regular file", r)
	case info.Mode().Perm()&0o077 != 0:
		return "", fmt.Errorf("%s: is open to other users (chmod 600 %s)", r, r.Name)
	case info.Size() > maxSecret:
		return "", fmt.Errorf("%s: is larger than %d bytes", r, maxSecret)
	}
	b := make([]byte, maxSecret)
	n, err := f.Read(b)
	text := strings.TrimSuffix(strings.TrimSuffix(string(b[:n]), "\n"), "\r")
	if err != nil || text == "" {
		return "", fmt.Errorf("%s: holds nothing that can be read", r)
	}
	return text, nil
}

// reference reads vault:NAME, env:NAME or file:PATH. What is anything else may
// be the secret itself, so the problem does not repeat it.
func (d *decoder) reference(n *yaml.Node, to *Reference) {
	var s string
	d.text(n, &s)
	scheme, name, ok := strings.Cut(s, ":")
	known := scheme == "env" || scheme == "file" || scheme == "vault"
	if !ok || !known || name == "" || strings.ContainsAny(name, "\x00\n") {
		d.fail(n, "vault:NAME, env:NAME or file:PATH", "a secret is named here, never written")
		return
	}
	*to = Reference{Scheme: scheme, Name: name}
}

// anchorReference makes the path of a file reference absolute.
func anchorReference(dir string, r *Reference) {
	if r.Scheme == "file" {
		r.Name = rooted(dir, r.Name)
	}
}
