package inventory

import "strings"

// FromCommand recognises a known server from the words of the command that
// starts it: the program itself, or the package or script that a launcher
// (npx, uvx, node, python …) is told to run. A server's name elsewhere on the
// line is an argument and recognises nothing. A version may follow the package.
//
// The answer picks a starter policy and nothing else: facts still need the
// digest of each definition.
func (r *Registry) FromCommand(argv []string) (name string, ok bool) {
	if r == nil || len(argv) == 0 {
		return "", false
	}
	word := argv[0]
	if launches(programName(word)) {
		word = launched(argv[1:])
	}
	for _, candidate := range [...]string{word, unversioned(word), programName(word), installed(word)} {
		if name, ok = r.words[candidate]; ok {
			return name, true
		}
	}
	return "", false
}

// launches reports programs that run what their arguments name.
func launches(program string) bool {
	switch program {
	case "npx", "npm", "pnpm", "pnpx", "yarn", "bunx", "bun", "node", "deno",
		"uvx", "uv", "pipx", "python", "python3", "py":
		return true
	default:
		return strings.HasPrefix(program, "python3.")
	}
}

// launched returns the first word that names what is run: flags are passed
// over, with the value of those that take one, and so are subcommands.
func launched(words []string) string {
	for i := 0; i < len(words); i++ {
		switch w := words[i]; {
		case w == "-m" && i+1 < len(words):
			return words[i+1]
		case w == "--from" || w == "--package" || w == "-p" || w == "--python" || w == "--with" || w == "--directory":
			i++
		case w == "run" || w == "exec" || w == "dlx" || w == "x" || w == "tool":
		case w == "" || w[0] == '-':
		default:
			return w
		}
	}
	return ""
}

// unversioned cuts "@1.2.3" of npm and "==1.2.3" or "@1.2.3" of Python off.
func unversioned(word string) string {
	if i := strings.Index(word, "=="); i > 0 {
		return word[:i]
	}
	if i := strings.LastIndexByte(word, '@'); i > 0 {
		return word[:i]
	}
	return word
}

// programName returns the last element of a path without the ending that
// Windows puts behind programs and scripts.
func programName(word string) string {
	word = word[strings.LastIndexAny(word, `/\`)+1:]
	for _, ending := range [...]string{".exe", ".cmd", ".bat"} {
		word = strings.TrimSuffix(word, ending)
	}
	return word
}

// installed returns the npm package that a script lies in: "@scope/name" of
// ".../node_modules/@scope/name/dist/index.js".
func installed(word string) string {
	const folder = "node_modules/"
	word = strings.ReplaceAll(word, `\`, "/")
	i := strings.LastIndex(word, folder)
	if i < 0 || i > 0 && word[i-1] != '/' {
		return ""
	}
	parts := strings.Split(word[i+len(folder):], "/")
	if strings.HasPrefix(parts[0], "@") && len(parts) > 1 {
		return parts[0] + "/" + parts[1]
	}
	return parts[0]
}
