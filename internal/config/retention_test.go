package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestRetention(t *testing.T) {
	for text, want := range map[string]string{
		"audit: {retention: 0d}":        "expected 1d to 36500d",
		"audit: {retention: -3d}":       "expected 1d to 36500d",
		"audit: {retention: 99999d}":    "expected 1d to 36500d",
		"audit: {retention: for ever}":  "expected a duration",
		"audit: {retention: 0s}":        "expected a duration",
		"audit: {secondary: [a, b]}":    "expected a text",
		"audit: {undelivered: 0d}":      "expected 1d to 36500d",
		"audit: {undelivered: 30d}":     "",
		"audit: {retention: 36h}":       "",
		"audit: {secondary: /mnt/b}":    "",
		"audit: {retentoin: 1d}":        "retention",
		"audit: {segment: {age: 400d}}": "expected a duration",
	} {
		_, problems := Load(Where{Flag: write(t, "version: 1\n"+text+"\n")})
		if got := fmt.Sprint(problems); (want == "") != (len(problems) == 0) || !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %q", text, got, want)
		}
	}
	path := write(t, "version: 1\naudit: {retention: 400d, secondary: backup}\n")
	c, problems := Load(Where{Flag: path})
	if len(problems) > 0 || c.Audit.Retention != 400*24*time.Hour || c.Audit.Secondary != filepath.Join(filepath.Dir(path), "backup") {
		t.Errorf("%+v, %v", c.Audit, problems)
	}
	if c, _ := Load(Where{}); c.Audit.Retention != 0 || c.Audit.Secondary != "" {
		t.Errorf("without being asked for: %+v", c.Audit)
	}
}
