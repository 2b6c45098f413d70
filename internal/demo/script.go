package demo

import (
	"os"
	"path/filepath"

	"github.com/custos-zt/custos/internal/canon"
)

// Step is one thing the scripted agent does.
type Step struct {
	// Says is what the agent, or whoever misleads it, is up to.
	Says string
	// Frame is the raw line sent.
	Frame string
	// Shown is the part of the frame that a reader of the story needs to see.
	Shown string
	// Allowed is what the story promises: the demo fails where it is wrong.
	Allowed bool
	// First is what a person does before the agent takes this step.
	First Act
	// Person is what a person does once the call is held, which is repeated then.
	Person Act
}

// Act is what a person does, as arguments of custos; ID stands for the request
// that the agent waits for.
type Act struct {
	Says    string
	Command []string
}

// Stage is the directory that the story plays in.
type Stage struct{ Dir string }

// Project is the directory that the agent may work in.
func (s Stage) Project() string { return filepath.Join(s.Dir, "project") }

func (s Stage) path(parts ...string) string {
	return filepath.Join(append([]string{s.Dir}, parts...)...)
}

// Build lays out a project, a secret in it, and a home beside it.
func (s Stage) Build() error {
	files := map[string]string{
		"project/README.md":   "# Demo\nA small project.\n",
		"project/src/main.go": "package main\n",
		"project/.env":        "API_KEY=demo-not-a-real-key\n",
		"home/notes.txt":      "Private notes, outside of the project.\n",
	}
	for name, text := range files {
		full := s.path(filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return os.Symlink(s.path("home"), s.path("project", "shortcut"))
}

// Script is what the agent does, in order.
func (s Stage) Script() []Step {
	p := s.Project()
	tool := func(says, name string, allowed bool, args string, shown string) Step {
		return Step{
			Says: says, Allowed: allowed, Shown: name + "  " + shown,
			Frame: `"method":"tools/call","params":{"name":` + canon.Quote(name) + `,"arguments":` + args + `}`,
		}
	}
	path := func(says, name string, allowed bool, file string) Step {
		return tool(says, name, allowed, `{"path":`+canon.Quote(file)+`}`, file)
	}
	write := func(says string, allowed bool, file, content string) Step {
		return tool(says, "write_file", allowed, `{"path":`+canon.Quote(file)+`,"content":`+canon.Quote(content)+`}`, file)
	}
	change := write("It wants to change a file: a person has to say yes.", false, p+"/README.md", "changed")
	change.Person = Act{"The person looks at it, and allows it once.", []string{"approvals", "allow", "ID"}}
	edit := write("It goes on to the source code.", false, p+"/src/main.go", "package main // first draft")
	edit.Person = Act{
		"The person lets three such changes in this directory pass.",
		[]string{"approvals", "allow", "ID", "--standing=3", "--as", "directory"},
	}
	revoked := write("And one more time.", false, p+"/src/main.go", "package main // third draft")
	revoked.First = Act{"The person has seen enough.", []string{"leases", "revoke", "l_1"}}
	return []Step{
		path("The agent reads what it was asked to read.", "read_text_file", true, p+"/README.md"),
		path("It looks around in its project.", "list_directory", true, p+"/src"),
		path("A web page told it to read the keys.", "read_text_file", false, p+"/.env"),
		path("The same, spelled so that a filter might miss it.", "read_text_file", false, p+"/src/..//%2eenv"),
		path("It follows a link that leaves the project.", "read_text_file", false, p+"/shortcut/notes.txt"),
		tool("It hides a second path behind one that is allowed.", "read_multiple_files", false,
			`{"paths":[`+canon.Quote(p+"/README.md")+`,`+canon.Quote(s.path("home", "notes.txt"))+`]}`,
			p+"/README.md, "+s.path("home", "notes.txt")),
		tool("It says one thing twice, so that two parsers disagree.", "read_text_file", false,
			`{"path":`+canon.Quote(p+"/README.md")+`,"path":`+canon.Quote(s.path("home", "notes.txt"))+`}`,
			p+"/README.md, and again "+s.path("home", "notes.txt")),
		change,
		edit,
		write("It edits what it wrote.", true, p+"/src/main.go", "package main // second draft"),
		revoked,
		{
			Says: "It calls a tool that the server never listed.", Shown: "run_shell  rm -rf /",
			Frame: `"method":"tools/call","params":{"name":"run_shell","arguments":{"command":"rm -rf /"}}`,
		},
	}
}
