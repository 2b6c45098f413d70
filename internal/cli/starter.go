package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/custos-zt/custos/internal/canon"
)

// starter is the policy of `custos run` without one: written for this command,
// explained on stderr, kept by digest like any other.
type starter struct {
	Backend string
	Roots   []string // declared roots
	Known   string   // entry of the shipped registry, "" for an unknown server
}

// declaredRoots are the existing absolute directories in a command's
// arguments: what the person who wrote the command gave the server.
func declaredRoots(command []string) []string {
	var roots []string
	for _, arg := range command[min(1, len(command)):] {
		if !filepath.IsAbs(arg) {
			continue
		}
		dir := filepath.Clean(arg)
		if info, err := os.Stat(dir); err == nil && info.IsDir() && !slices.Contains(roots, dir) {
			roots = append(roots, dir)
		}
	}
	return roots
}

// summary says in one line what the policy does.
func (s starter) summary() string {
	reads := "reads that name no file"
	if len(s.Roots) > 0 {
		reads = "reads in " + strings.Join(s.Roots, ", ")
	}
	if s.Known == "" {
		reads = "this server is not a known one, so nothing passes without a person"
		return "guarding " + canon.Quote(s.Backend) + " with the starter policy: " + reads + "; secrets never."
	}
	return "guarding " + canon.Quote(s.Backend) + " with the starter policy: " + reads + ", everything else asks, secrets never."
}

// text is the policy itself.
func (s starter) text() string {
	roots := make([]string, 0, 2*len(s.Roots))
	for _, r := range s.Roots {
		roots = append(roots, pattern(r))
		// A link in the command names the directory that it leads to.
		if real, err := filepath.EvalSymlinks(r); err == nil && real != r {
			roots = append(roots, pattern(real))
		}
	}
	if len(roots) == 0 {
		roots = []string{"/nonexistent/**"} // no path lies in it: only reads without a path pass
	}
	known := ""
	if s.Known != "" {
		known = "tools:\n  " + s.Backend + ": {known: " + s.Known + "}\n"
	}
	r := strings.NewReplacer("BACKEND", s.Backend, "ROOTS", canon.Quote(roots[0])+quoteRest(roots[1:]), "TOOLS\n", known)
	return r.Replace(starterText)
}

func quoteRest(list []string) string {
	var b strings.Builder
	for _, s := range list {
		b.WriteString(", " + canon.Quote(s))
	}
	return b.String()
}

// pattern matches a directory and everything below it, whatever characters
// its name has.
func pattern(dir string) string {
	escaped := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`, `{`, `\{`, `}`, `\}`, `$`, `\$`).Replace(dir)
	return strings.TrimSuffix(escaped, "/") + "/**"
}

const starterText = `# The starter policy of custos run: reads inside the directories that the
# command names pass, everything else asks a person, secrets never pass.
# A policy of your own replaces it: custos run --policy FILE -- CMD
policy: starter
version: "1"
backend: BACKEND
define:
  roots:   [ROOTS]
  secrets: ["**/.env", "**/.env.*", "**/.envrc", "**/.ssh/**", "**/.aws/**", "**/.gnupg/**", "**/.kube/**",
            "**/.docker/config.json", "**/.netrc", "**/.npmrc", "**/.pypirc", "**/.git-credentials",
            "**/*.pem", "**/*.key", "**/*.p12", "**/*.pfx", "**/id_rsa*", "**/id_dsa*", "**/id_ecdsa*", "**/id_ed25519*"]
  system:  ["/etc/**", "/proc/**", "/sys/**", "/dev/**", "/boot/**", "/run/**", "/var/run/**"]
TOOLS
rules:
  - id: secrets
    deny: ["*"]
    paths: {any: $secrets, except: ["**/.env.example", "**/.env.sample", "**/.env.template"]}
    message: Secret files are not shown to agents.
    remediation: Ask the person for the one value you need.
  - id: system
    deny: ["*"]
    paths: {any: $system, except: $roots}
    message: System files are out of bounds for agents.
  - id: reads
    allow: ["BACKEND.*"]
    ops: [read, list]
    side_effects: [fs_read, db_read]
    paths: {all: $roots, none: match}
    else: approve
    approval: {assurance: host}   # anybody who works as this user can answer
    message: this lies outside of the directories given to the server, so a person has to allow it
  - id: roots
    allow: ["method:roots/list"]
    paths: {all: $roots}
  - id: resources
    allow: ["resource:BACKEND.file://**"]
    paths: {all: $roots}
  - id: the-rest
    approve: ["BACKEND.*", "prompt:BACKEND.*"]
    unless: [{ops: [read, list], side_effects: [fs_read, db_read]}]
    approval: {assurance: host, standing: {max: 1h, uses: 20}}   # who answers may let more such calls pass
    message: this call changes something, or nobody knows what it does, so a person has to allow it
    remediation: Ask the person to allow it, or to give Custos a policy that does.
`
