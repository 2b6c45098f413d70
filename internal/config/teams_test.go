package config

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadsTeamsAndLayers(t *testing.T) {
	path := write(t, `
policy: {files: [{path: root.yaml}, {path: support.yaml, layer: team/support}, {path: ann.yaml, layer: "user/corp:ann"}]}
teams: {support: {groups: [grp-support, grp-care], issuer: corp}, platform: {groups: [grp-platform]}}
`)
	c, problems := Load(Where{Flag: path})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := []Team{
		{Name: "support", Issuer: "corp", Groups: []string{"grp-support", "grp-care"}},
		{Name: "platform", Groups: []string{"grp-platform"}},
	}
	if diff := cmp.Diff(want, c.Teams); diff != "" {
		t.Error(diff)
	}
	var layers []string
	for _, f := range c.Policy.Files {
		layers = append(layers, filepath.Base(f.Path)+" "+f.Layer)
	}
	if diff := cmp.Diff([]string{"root.yaml global", "support.yaml team/support", "ann.yaml user/corp:ann"}, layers); diff != "" {
		t.Error(diff)
	}
}

func TestTeamsSayWhoIsInThem(t *testing.T) {
	path := write(t, `policy: {files: [{path: x, layer: teams/support}]}
teams:
  empty: {}
  none: {groups: []}
  word: {groups: grp}
  odd: {groups: [a], isuer: corp}
  "not a name": {groups: [a]}
  blank: {groups: [""]}
  odd: {groups: [b]}
`)
	_, problems := Load(Where{Flag: path})
	want := []string{
		`:1:35: "teams/support" is not a layer`, `:3:3: the team "empty" has no groups`, `:4:3: the team "none" has no groups`,
		`:5:18: groups is a list`, `:5:3: the team "word" has no groups`, `:6:22: unknown key "isuer" in a team (did you mean "issuer"?)`,
		`:7:3: "not a name" is no name for a team`, `:8:20: groups holds an empty entry`, `:8:3: the team "blank" has no groups`,
		`:9:3: "odd" is given twice`,
	}
	if len(problems) != len(want) {
		t.Fatalf("got %d problems, want %d: %v", len(problems), len(want), problems)
	}
	for i, p := range problems {
		if !strings.HasPrefix(strings.TrimPrefix(p.String(), path), want[i]) {
			t.Errorf("got %s\nwant …%s", p, want[i])
		}
	}
}
