// Package config is custos.yaml as typed, pure data.
//
// One documented struct stands for each section. Reading is strict: an
// unknown key is an error with its place and, where one is close, the key
// that was probably meant; all problems are reported at once. Nothing is ever
// read from the working directory: a repository that an agent works in must
// not be able to configure its guard.
package config

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Config is the whole file. Sizes are bytes.
type Config struct {
	// Version of the file format: 1.
	Version int
	// Managed marks a system file: environment and flags can only narrow, and
	// the user's own file is not read.
	Managed bool
	// State is the state directory; "" is the default place.
	State  string
	Policy Policy
	// Teams say whom the layers of teams are for, in the order of the file.
	Teams  []Team
	Limits Limits
	Audit  Audit
	// Approvals say how held calls are put to people.
	Approvals Approvals
	// Sinks say where records go beside the log.
	Sinks Sinks
	// Listen says where Custos listens.
	Listen Listen
	// Denials says how a denied tools/call answers.
	Denials Denials
	// Source is the file that was read, "" for none.
	Source string
	// Text is what was read, each file under its path. It holds no secrets:
	// those are references.
	Text string
}

// Policy names the policy files.
type Policy struct {
	// Files are paths or globs, relative to the directory of the file that
	// names them.
	Files []PolicyFile
	// TrustRoot holds the public keys that policies must be signed by; "" asks
	// for no signature.
	TrustRoot string
	// Audience is what this machine is called in signed bundles.
	Audience string
}

// PolicyFile is one entry of policy.files.
type PolicyFile struct {
	Path string
	// Layer is what these files may claim at most: "global" is any layer, and
	// team/NAME or user/ISSUER:SUBJECT that one alone.
	Layer string
}

// Team is one entry of teams: whoever has one of the groups, of this issuer
// where one is named.
type Team struct {
	Name   string
	Issuer string
	Groups []string
}

// Limits cap what a message may cost.
type Limits struct {
	Frame    int // the largest message
	Depth    int // the deepest nesting
	InFlight int // queued bytes in one direction
}

// Audit configures the log.
type Audit struct {
	SegmentSize int64
	SegmentAge  time.Duration
	// Retention is how long records are kept; 0: for ever. Undelivered is how much
	// longer those are kept that a sink does not have; 0: until it has them.
	Retention   time.Duration
	Undelivered time.Duration
	// Secondary is a directory, better on another disk, for the last words of a
	// log that fails; "": there is none.
	Secondary string
	// Keychain keeps the private log key in the keychain of the system instead
	// of a file.
	Keychain bool
	// Witnesses cosign the heads of the log.
	Witnesses []Witness
	// Redaction says what the log keeps of arguments, Replay how long they are
	// kept apart from it. Pseudonyms replaces subjects by keyed digests. Canaries
	// are secrets that must appear nowhere.
	Redaction  Redaction
	Replay     Replay
	Pseudonyms bool
	Canaries   []Reference
}

// Denials is the form of a refusal.
type Denials string

// The forms of a refusal.
const (
	DenyAsResult Denials = "result"
	DenyAsError  Denials = "error"
)

// Default returns the configuration of a machine without any.
func Default() Config {
	return Config{
		Version:   1,
		Limits:    Limits{Frame: 16 << 20, Depth: 64, InFlight: 64 << 20},
		Audit:     Audit{SegmentSize: 64 << 20, SegmentAge: time.Hour, Redaction: defaultRedaction(), Replay: defaultReplay()},
		Approvals: Approvals{Wait: 45 * time.Second, Open: 5, Channels: usualChannels()},
		Denials:   DenyAsResult,
		Listen:    Listen{Admin: defaultAdmin},
	}
}

// SystemPath is where an administrator puts a managed configuration.
const SystemPath = "/etc/custos/custos.yaml"

// Where says where to look. Its zero value finds nothing.
type Where struct {
	System string // read first; "" skips it
	Flag   string // --config
	Env    string // $CUSTOS_CONFIG
	User   string // the user's own file
}

// DefaultWhere returns the usual places. getenv is os.Getenv, or a test's.
func DefaultWhere(flag string, getenv func(string) string) Where {
	w := Where{System: SystemPath, Flag: flag, Env: getenv("CUSTOS_CONFIG")}
	if dir := getenv("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		w.User = filepath.Join(dir, "custos", "custos.yaml")
	} else if dir, err := os.UserConfigDir(); err == nil {
		w.User = filepath.Join(dir, "custos", "custos.yaml")
	}
	return w
}

// Load reads the configuration: defaults, then the system file, then, unless
// that one is managed, the first of flag, environment and user file. A file
// that was named MUST exist; the usual places may be empty.
func Load(w Where) (Config, []Problem) {
	c := Default()
	if problems := c.read(w.System, false); len(problems) > 0 || c.Managed {
		return c, problems
	}
	for _, named := range []string{w.Flag, w.Env} {
		if named != "" {
			return c, c.read(named, true)
		}
	}
	return c, c.read(w.User, false)
}

// read lays one file over c.
func (c *Config) read(path string, must bool) []Problem {
	if path == "" {
		return nil
	}
	data, err := os.ReadFile(path)
	switch {
	case os.IsNotExist(err) && !must:
		return nil
	case err != nil:
		return []Problem{{File: path, Message: "cannot be read: " + plain(err)}}
	}
	problems := c.decode(path, data)
	c.Source = path
	c.Text += "# " + path + "\n" + string(data)
	c.anchor(filepath.Dir(path))
	return problems
}

// anchor makes relative paths of a file absolute.
func (c *Config) anchor(dir string) {
	if c.State != "" {
		c.State = rooted(dir, c.State)
	}
	if c.Audit.Secondary != "" {
		c.Audit.Secondary = rooted(dir, c.Audit.Secondary)
	}
	if c.Policy.TrustRoot != "" {
		c.Policy.TrustRoot = rooted(dir, c.Policy.TrustRoot)
	}
	for i := range c.Policy.Files {
		c.Policy.Files[i].Path = rooted(dir, c.Policy.Files[i].Path)
	}
	c.Sinks.anchor(dir)
	c.Approvals.anchor(dir)
	for i := range c.Audit.Canaries {
		anchorReference(dir, &c.Audit.Canaries[i])
	}
}

func rooted(dir, path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// plain drops the path that a file error repeats.
func plain(err error) string {
	if pe, ok := err.(*os.PathError); ok { //nolint:errorlint // os.ReadFile returns it unwrapped
		return pe.Err.Error()
	}
	return err.Error()
}
