package inventory

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/custos-zt/custos/access"
)

func TestDescribe(t *testing.T) {
	r := load(t)
	move := r.Entry("server-filesystem").Newest("move_file")
	gzip := r.Entry("server-everything").Newest("gzip-file-as-resource")
	other := NewDefinition("move_file", value(t, `{"name":"move_file","inputSchema":{"type":"object","properties":{"source":{"type":"string"}}}}`))
	typed := NewDefinition("t", value(t, `{"name":"t","annotations":{"readOnlyHint":true,"destructiveHint":true},"inputSchema":{"properties":{
		"u":{"format":"uri"},"f":{"format":"file-path"},"fs":{"type":"array","items":{"format":"directory-path"}},"a.b":{"format":"path"},"s":{"format":"date"}}}}`))
	bare := NewDefinition("t", value(t, `{"name":"t"}`))
	files, everything := r.Entry("server-filesystem"), r.Entry("server-everything")
	for name, tc := range map[string]struct {
		declared access.ToolFacts
		known    *Entry
		def      *Definition
		want     access.ToolFacts
	}{
		"nothing":   {},
		"no schema": {def: &bare},
		"labels and operations describe no argument": {
			declared: access.ToolFacts{Ops: access.OpRead, Labels: []string{"pii"}}, def: &bare,
			want: access.ToolFacts{Ops: access.OpRead, Labels: []string{"pii"}, Source: "policy"},
		},
		"a declaration that only names the entry": {
			declared: access.ToolFacts{Source: "policy"}, known: files, def: move,
			want: access.ToolFacts{
				Described: true, Source: "registry server-filesystem", Ops: access.OpMove, SideEffects: []string{"fs_write"},
				Paths: []access.PathFact{{Arg: "destination"}, {Arg: "source"}},
			},
		},
		"schema alone": {def: &other, want: access.ToolFacts{Described: true, Source: "schema"}},
		"formats of the schema, no annotations": {def: &typed, want: access.ToolFacts{
			Described: true, Source: "schema", URLs: []string{"u"},
			Paths: []access.PathFact{{Arg: "f"}, {Arg: "fs"}, {Arg: `["a.b"]`}},
		}},
		"another definition of a known tool": {known: files, def: &other, want: access.ToolFacts{Described: true, Source: "schema"}},
		"known": {known: files, def: move, want: access.ToolFacts{
			Described: true, Source: "registry server-filesystem", Ops: access.OpMove, SideEffects: []string{"fs_write"},
			Paths: []access.PathFact{{Arg: "destination"}, {Arg: "source"}},
		}},
		"declared before known, field by field": {
			declared: access.ToolFacts{Ops: access.OpExecute, Tier: "high", Paths: []access.PathFact{{Arg: "source", Remote: true}}, NotPaths: []string{"destination"}},
			known:    files, def: move,
			want: access.ToolFacts{
				Described: true, Source: "policy", Ops: access.OpExecute, Tier: "high", SideEffects: []string{"fs_write"},
				Paths: []access.PathFact{{Arg: "source", Remote: true}}, NotPaths: []string{"destination"},
			},
		},
		"operations by argument replace the registry's": {
			declared: access.ToolFacts{OpsBy: []access.OpsBy{{Arg: "method", Pattern: "delete*", Ops: access.OpDelete}}},
			known:    files, def: move,
			want: access.ToolFacts{
				Described: true, Source: "policy", SideEffects: []string{"fs_write"},
				OpsBy: []access.OpsBy{{Arg: "method", Pattern: "delete*", Ops: access.OpDelete}},
				Paths: []access.PathFact{{Arg: "destination"}, {Arg: "source"}},
			},
		},
		"declared to have no side effects": {
			declared: access.ToolFacts{SideEffects: []string{}}, known: everything, def: gzip,
			want: access.ToolFacts{
				Described: true, Source: "policy", Ops: access.OpRead | access.OpCreate, SideEffects: []string{},
				URLs: []string{"data"}, NotPaths: []string{"name", "outputType"},
			},
		},
		"a URL of the registry stays one": {
			declared: access.ToolFacts{NotPaths: []string{"data"}}, known: everything, def: gzip,
			want: access.ToolFacts{
				Described: true, Source: "policy", Ops: access.OpRead | access.OpCreate, SideEffects: []string{"network_egress"},
				URLs: []string{"data"}, NotPaths: []string{"data", "name", "outputType"},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := Describe(tc.declared, tc.known, tc.def)
			byArg := cmpopts.SortSlices(func(a, b access.PathFact) bool { return a.Arg < b.Arg })
			unset := cmp.FilterPath(func(p cmp.Path) bool { return p.String() != "SideEffects" }, cmpopts.EquateEmpty())
			if diff := cmp.Diff(tc.want, got, byArg, unset); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
		})
	}
}
