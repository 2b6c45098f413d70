package policy

import (
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/pdp"
)

// device: {compliant: true, attributes: {encrypted: true, os: [macos, linux],
// patch_age_d: {max: 30}}, max_age: 10m, source: mdm}. What is known about the
// machine; max_age and source hold for each fact that the condition names.
func readDevice(r *reader, f field, at place) []pdp.Op {
	var out []pdp.Op
	var maxAge time.Duration
	var sources []string
	for _, part := range r.fields(f.node, "device") {
		switch part.name {
		case "compliant":
			out = append(out, r.flagFact(part, "device.compliant", "device.compliant"))
		case "attributes":
			out = append(out, r.deviceAttributes(part, at)...)
		case "max_age":
			maxAge = r.duration(part.node, "max_age")
		case "source":
			sources = r.texts(part.node, "source")
		default:
			r.unknown(part, "device", []string{"compliant", "attributes", "max_age", "source"})
		}
	}
	r.asks(f, "device", len(out), "compliant", "attributes")
	for i := range out {
		test := out[i].Fact
		test.MaxAge, test.Sources = maxAge, sources
		if maxAge > 0 {
			out[i].Text += ", max_age " + maxAge.String()
		}
		if len(sources) > 0 {
			out[i].Text += ", source " + strings.Join(sources, ", ")
		}
	}
	return out
}

// deviceAttributes reads the wanted value of each attribute: one, a list to
// choose from, or constraints as on an argument.
func (r *reader) deviceAttributes(f field, at place) []pdp.Op {
	var out []pdp.Op
	fields := r.fields(f.node, "device.attributes")
	for _, a := range fields {
		what := "device.attributes." + a.name
		if !wordName().MatchString(a.name) {
			r.err(a.key, "", "%s is not the name of an attribute: use a-z, 0-9, _ and -", show(a.name))
			continue
		}
		test := &pdp.FactTest{Fact: deviceFact(a.name)}
		switch a.node.Kind {
		case yaml.MappingNode:
			test.Spec = r.spec(a.node, what, at)
			r.possible(a, test.Spec, what)
		case yaml.SequenceNode:
			test.Spec = &pdp.Spec{Enum: r.values(a.node, what)}
		default:
			test.Spec = &pdp.Spec{Enum: []access.Value{r.value(a.node, what)}}
		}
		out = append(out, factOp(test, written(a.node)))
	}
	if f.node.Kind == yaml.MappingNode && len(fields) == 0 {
		r.err(f.node, "leave the key out", "device.attributes names no attribute")
	}
	return out
}

// deviceFact is the fact behind an attribute: some have a name of their own.
func deviceFact(attribute string) string {
	if slices.Contains([]string{"encrypted", "secure_boot", "firewall", "patch_age_d"}, attribute) {
		return "device." + attribute
	}
	return "device.attributes." + attribute
}
