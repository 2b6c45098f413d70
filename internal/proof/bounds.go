package proof

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// bounds shifts every bound below a node, one step each way.
func (e *editor) bounds(n *yaml.Node) {
	if n.Kind == yaml.SequenceNode {
		for _, c := range n.Content {
			e.bounds(c)
		}
	}
	if n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i].Value, n.Content[i+1]
		e.bound(key, value)
		e.bounds(value)
	}
}

// bound shifts one bound.
func (e *editor) bound(key string, n *yaml.Node) {
	if n.Kind != yaml.ScalarNode {
		return
	}
	for _, shifted := range shifts(key, n) {
		e.add("shift-bound", n, n, func(n *yaml.Node) { n.Value = shifted }, "%s: %s became %s", key, n.Value, shifted)
	}
}

// shifts returns what a bound becomes, or nothing where the key has none.
func shifts(key string, n *yaml.Node) []string {
	switch key {
	case "min", "max", "min_length", "max_length", "min_items", "max_items", "max_calls":
		if n.ShortTag() == "!!str" {
			return shiftRate(n.Value)
		}
		return shiftNumber(n.Value, key != "min" && key != "max")
	case "max_age", "idle":
		return shiftDuration(n.Value)
	case "between":
		return shiftTimes(n.Value)
	}
	return nil
}

// shiftNumber moves a number by one in its last digit. A count stays a count.
func shiftNumber(text string, count bool) []string {
	value, ok := new(big.Rat).SetString(text)
	if !ok || strings.ContainsAny(text, "eE/_") || len(text) > 400 {
		return nil
	}
	_, fraction, _ := strings.Cut(text, ".")
	step := new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(len(fraction))), nil))
	out := []string{
		new(big.Rat).Sub(value, step).FloatString(len(fraction)), new(big.Rat).Add(value, step).FloatString(len(fraction)),
	}
	if count {
		out = slices.DeleteFunc(out, func(s string) bool { return strings.HasPrefix(s, "-") })
	}
	return out
}

// shiftRate moves the count of a rate such as 100/1m.
func shiftRate(text string) []string {
	count, per, ok := strings.Cut(text, "/")
	n, err := strconv.Atoi(count)
	if !ok || err != nil {
		return nil
	}
	return []string{fmt.Sprintf("%d/%s", n-1, per), fmt.Sprintf("%d/%s", n+1, per)}
}

// shiftDuration moves a length of time by a second.
func shiftDuration(text string) []string {
	hours, days := strings.CutSuffix(text, "d")
	unit := time.Duration(1)
	if days {
		text, unit = hours+"h", 24
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return nil
	}
	return []string{(d*unit - time.Second).String(), (d*unit + time.Second).String()}
}

// shiftTimes moves each end of a time of day by a minute.
func shiftTimes(text string) []string {
	from, to, ok := strings.Cut(text, "-")
	start, err := time.Parse("15:04", strings.TrimSpace(from))
	end, err2 := time.Parse("15:04", strings.TrimSpace(to))
	if !ok || err != nil || err2 != nil {
		return nil
	}
	var out []string
	for _, by := range []time.Duration{-time.Minute, time.Minute} {
		out = append(out,
			start.Add(by).Format("15:04")+"-"+end.Format("15:04"), start.Format("15:04")+"-"+end.Add(by).Format("15:04"))
	}
	return out
}
