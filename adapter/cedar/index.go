package cedar

import (
	"iter"

	cedar "github.com/cedar-policy/cedar-go"
)

// scope is what the head of a policy asks for; a zero UID asks for nothing. A
// head is evaluated before the conditions, so a policy whose head does not
// match has neither an effect nor an error.
type scope struct {
	// resource is that of `resource == E`.
	resource cedar.EntityUID
	// principal is that of `principal == E` or `principal in E`.
	principal cedar.EntityUID
}

// index finds policies by their head.
type index struct {
	rules map[scope][]*rule
}

func (x *index) add(s scope, r *rule) {
	if x.rules == nil {
		x.rules = map[scope][]*rule{}
	}
	x.rules[s] = append(x.rules[s], r)
}

// candidates are the policies whose heads may match. Every ancestor of the
// principal stands among its parents.
func (x *index) candidates(q *cedar.Request, entities cedar.EntityMap) candidates {
	var out candidates
	for _, resource := range [...]cedar.EntityUID{{}, q.Resource} {
		out = append(out, x.rules[scope{resource: resource}], x.rules[scope{resource, q.Principal}])
		for parent := range entities[q.Principal].Parents.All() {
			out = append(out, x.rules[scope{resource, parent}])
		}
	}
	return out
}

// candidates is a [cedar.PolicyIterator].
type candidates [][]*rule

// All yields every candidate once.
func (c candidates) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for _, list := range c {
			for _, r := range list {
				if !yield(r.id, r.policy) {
					return
				}
			}
		}
	}
}
