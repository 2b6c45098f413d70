// Package inventory knows the tools behind Custos: what each backend lists,
// what is known about a tool beyond what the backend says of itself, and
// whether the arguments of a call are the ones its definition declares.
//
// Three sources describe a tool, in falling trust: the policy's own `tools:`
// declarations, the shipped registry, and the definition that the backend
// sent. [Describe] joins them field by field. None of them is a permission.
//
//   - [Registry] holds what ships with Custos for known servers: one YAML file
//     a server beside the definitions recorded from it. Facts apply only to a
//     definition whose digest equals a recorded one: a server that changes a
//     tool loses the registry's word for it.
//   - [Backend] is the live listing of one backend. Every `tools/list` reply
//     that passes goes through [ParseTools] into [Backend.Replace].
//   - [Definition.Check] judges arguments by the tool's input schema. Anything
//     about a schema that cannot be judged in bounded time, or not without the
//     network, makes every call of that tool invalid: deny by default.
//
// What a backend says about itself grants nothing. Annotations (readOnlyHint,
// destructiveHint and their kin) are not read at all: knowing an operation can
// satisfy a grant as well as a restriction, so no hint is safe to believe.
package inventory
