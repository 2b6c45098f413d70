package policy

import "go.yaml.in/yaml/v3"

// Parse returns the tree of a file in the language of policies, in the format
// that its name says, and every problem of its form: what YAML allows and a
// policy must not hold, keys that stand twice. The tree is nil where the file
// cannot be read at all.
//
// The tree says where everything stands. It is for tools that look at what was
// written or change it; what it means is for [Compile] to say.
func Parse(src Source) (*yaml.Node, []Problem) {
	r := &reader{compiler: &compiler{}, file: src.Name}
	root := r.parse(src.Data)
	if root == nil || !r.strict(root, 0) {
		return nil, r.problems
	}
	inOrder(r.problems)
	return root, r.problems
}
