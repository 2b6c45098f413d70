package access

// Op is a set of operations a call performs.
type Op uint16

// The operations. Execute is the op of what runs, merges, publishes or
// dispatches.
const (
	OpRead Op = 1 << iota
	OpList
	OpWrite
	OpCreate
	OpDelete
	OpMove
	OpCopy
	OpExecute
)

// OpNames lists the operations in the order of their bits.
func OpNames() []string {
	return []string{"read", "list", "write", "create", "delete", "move", "copy", "execute"}
}

// Names returns the words of the set, in the order of [OpNames].
func (o Op) Names() []string {
	var out []string
	for i, n := range OpNames() {
		if o&(1<<i) != 0 {
			out = append(out, n)
		}
	}
	return out
}

// ParseOp returns the operation with this name, or 0.
func ParseOp(name string) Op {
	for i, n := range OpNames() {
		if n == name {
			return 1 << i
		}
	}
	return 0
}

// ToolFacts is what is known about a tool: never a permission. Declarations
// in the policy win over the shipped registry, which wins over the schema.
type ToolFacts struct {
	// Described says that a declaration, a registry entry or a schema describes
	// the arguments of the tool.
	Described bool
	// Ops is what this call does; 0 is unknown.
	Ops Op
	// OpsBy refines Ops by the value of an argument: see [ToolFacts.OpsFor].
	OpsBy []OpsBy
	// SideEffects and Labels are nil when unknown.
	SideEffects []string
	Labels      []string
	Tier        string // low, medium, high, critical; "" is unknown
	Paths       []PathFact
	NotPaths    []string // JSON paths of arguments that are not paths
	URLs        []string
	Commands    []string
	Secrets     []string
	Source      string // where the facts come from: "policy", "registry NAME", "schema"
}

// OpsBy gives ops by argument value: where the argument matches the pattern
// (`*` any run of characters), the call has these ops instead.
type OpsBy struct {
	Arg, Pattern string
	Ops          Op
}

// PathFact declares that an argument is a path.
type PathFact struct {
	Arg    string // JSON path into the arguments: "path", "files", "opts.dest"
	Remote bool   // not on this machine: lexical readings only
	Base   string // JSON path of the argument that relative values are based on
}

// PlaceRole says which end of a call a path is.
type PlaceRole uint8

const (
	// RolePath is a path that is read and written in place.
	RolePath PlaceRole = iota
	// RoleFrom is a source.
	RoleFrom
	// RoleTo is a destination.
	RoleTo
)

// Place is one path value of a call with all its readings (policy.md §3):
// {raw, percent-decoded} × {lexical, kernel-resolved}.
type Place struct {
	Arg  string // JSON path of the argument: "paths[1]"
	Raw  string // as sent
	Role PlaceRole
	// Declared says that the argument is a path by declaration, registry,
	// schema or common name. Grants look at declared places, each of which must
	// pass; restrictions look at every place.
	Declared bool
	// Grantable is false for what can satisfy no grant: relative without a
	// known base, `~`, drive, UNC and stream forms, control characters.
	Grantable bool
	// Refused marks a declared path with NUL or control characters.
	Refused bool
	// Readings all count for a grant; any of them suffices for a restriction.
	Readings []string
	// Suspect are further readings that only restrict: as sent, `~` expanded,
	// joined to the directories the backend may resolve against.
	Suspect []string
	// Folded are Readings and Suspect folded in case and Unicode form.
	Folded []string
}
