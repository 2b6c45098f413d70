package proof

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/internal/canon"
)

// appendJSON appends the JSON that a YAML tree stands for. Numbers keep every
// digit: YAML is how a request is written down here, never what is decided.
func appendJSON(out []byte, n *yaml.Node) ([]byte, error) {
	switch n.Kind {
	case yaml.MappingNode:
		out = append(out, '{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(append(out, canon.Quote(n.Content[i].Value)...), ':')
			var err error
			if out, err = appendJSON(out, n.Content[i+1]); err != nil {
				return nil, err
			}
		}
		return append(out, '}'), nil
	case yaml.SequenceNode:
		out = append(out, '[')
		for i, c := range n.Content {
			if i > 0 {
				out = append(out, ',')
			}
			var err error
			if out, err = appendJSON(out, c); err != nil {
				return nil, err
			}
		}
		return append(out, ']'), nil
	default:
		text, err := scalarJSON(n)
		return append(out, text...), err
	}
}

// scalarJSON returns the JSON of a scalar. A date is text, as in policies.
func scalarJSON(n *yaml.Node) (string, error) {
	switch n.ShortTag() {
	case "!!null":
		return "null", nil
	case "!!bool":
		return strings.ToLower(n.Value), nil
	case "!!int":
		i, ok := new(big.Int).SetString(strings.TrimPrefix(n.Value, "+"), 0)
		if !ok || len(n.Value) > 400 {
			return "", fmt.Errorf("%s is not a number of JSON", strconv.Quote(n.Value))
		}
		return i.String(), nil
	case "!!float":
		if _, err := canon.Parse(n.Value, canon.DefaultLimits()); err != nil {
			return "", fmt.Errorf("%s is not a number of JSON: write it as there", strconv.Quote(n.Value))
		}
		return n.Value, nil
	default:
		return canon.Quote(n.Value), nil
	}
}
