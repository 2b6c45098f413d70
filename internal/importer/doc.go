// Package importer turns policies of other systems into native ones.
//
//	result := importer.Import(importer.MCPACP, "policy.json", data, importer.Options{})
//	for _, n := range result.Notes { fmt.Fprintln(os.Stderr, n) }
//	os.Stdout.Write(result.Policy)
//
// Four dialects are read: the YAML and JSON of zero-trust-mcp, the JSON of
// mcp-acp, the TOML of the airs file server, and the YAML of 371OS. The native
// policy never grants what the original refused, with the exceptions that the
// report names: a grant that cannot be written exactly is written narrower or
// left out, a restriction that cannot is written broader. Each such place is a
// [Note] with its position in the original.
//
// Reading is strict. A key that the dialect does not have is an error with a
// suggestion, where most of the originals ignored it; so is a key that stands
// twice. YAML anchors and aliases are refused.
//
// Import does no I/O, keeps no state and is safe for concurrent use. It never
// compiles what it wrote: callers SHOULD give it to policy.Compile.
package importer
