package inventory

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/custos-zt/custos/access"
)

// recorded returns the listing recorded from one version of a known server.
func recorded(t testing.TB, server, version string) access.Value {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("registry", "definitions", server+"@"+version+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return value(t, string(text))
}
