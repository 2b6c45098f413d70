package main

import (
	"fmt"
	"strings"
)

// policyRules is how many rules the measured policy has.
const policyRules = 500

// benchPolicy writes a policy of the size and mixture that a busy laptop
// might have. One rule allows echo; twenty-five more are about it and have to
// be judged for every call; the others name other tools.
func benchPolicy() string {
	var b strings.Builder
	b.WriteString(`policy: bench
version: "1"
layer: global
backend: bench
define:
  projects: ["/srv/app/**", "/srv/site/**", "/srv/lib/**"]
  secrets: ["**/.env", "**/.env.*", "**/.ssh/**", "**/*.pem", "**/id_*"]
rules:
  - id: secret-files
    deny: ["*"]
    paths: {any: $secrets, except: ["**/.env.example"]}
    message: Secret files are not shown to agents.
  - id: echo
    allow: [echo]
`)
	n := 2
	for i := range 12 {
		fmt.Fprintf(&b, "  - {id: not-nobody-%d, deny: [\"ec*\"], subjects: [\"os:nobody-%d\"]}\n", i, i)
	}
	for i := range 12 {
		fmt.Fprintf(&b, "  - {id: mode-%d, deny: [echo], args: {mode: {type: string, enum: [m%d], missing: skip}}}\n", i, i)
	}
	n += 24
	for i := 0; n < policyRules; i, n = i+1, n+1 {
		switch i % 4 {
		case 0:
			fmt.Fprintf(&b, "  - {id: files-%d, allow: [read_%d, list_%d], paths: {all: $projects, none: match}}\n", i, i, i)
		case 1:
			fmt.Fprintf(&b, "  - {id: ticket-%d, allow: [ticket_%d], args: {priority: {type: string, enum: [LOW, HIGH]}, id: {type: string, pattern: \"C[0-9]{6}\"}}}\n", i, i)
		case 2:
			fmt.Fprintf(&b, "  - {id: held-%d, approve: [\"deploy_%d_*\"], subjects: [\"os:dev-%d\"]}\n", i, i, i)
		default:
			fmt.Fprintf(&b, "  - {id: no-%d, deny: [\"drop_%d\"], args: {table: {type: string, enum: [users, t%d]}}}\n", i, i, i)
		}
	}
	return b.String()
}
