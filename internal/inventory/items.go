package inventory

import (
	"fmt"

	"github.com/custos-zt/custos/access"
)

// Item is one named element of a list result.
type Item struct {
	Name  string
	Index int // position in the list
	Raw   string
	Value access.Value
}

// ParseItems reads the elements of a list result: key is the member that holds
// the array ("tools", "resources", "resourceTemplates", "prompts") and
// nameField the member that names an element ("name", "uri", "uriTemplate").
// Elements without a non-empty string there are left out and named in the
// problems; so is a result without the array.
func ParseItems(result access.Value, key, nameField string) ([]Item, []Problem) {
	list := result.Get(key)
	if list.Kind() != access.Array {
		return nil, []Problem{{-1, "", fmt.Sprintf("the result has no array %q", key)}}
	}
	items := make([]Item, 0, list.Len())
	var problems []Problem
	for i, m := range list.Members() {
		name := m.Value.Get(nameField)
		switch {
		case m.Value.Kind() != access.Object:
			problems = append(problems, Problem{i, "", "the element is not an object"})
		case name.Kind() != access.String || name.Text() == "":
			problems = append(problems, Problem{i, "", fmt.Sprintf("the element has no string %q", nameField)})
		default:
			items = append(items, Item{Name: name.Text(), Index: i, Raw: m.Value.Raw(), Value: m.Value})
		}
	}
	return items, problems
}
