package main

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// Machine is where the figures were measured.
type Machine struct {
	CPU        string `json:"cpu"`
	Cores      int    `json:"cores"`
	MemoryKiB  string `json:"memory"`
	Kernel     string `json:"kernel"`
	OS         string `json:"os"`
	Go         string `json:"go"`
	Filesystem string `json:"filesystem"` // of the log under measurement
	Load       string `json:"load"`       // when the run began: 1, 5 and 15 minutes
}

// describe reads /proc; what cannot be read stays empty.
func describe(dir string) Machine {
	m := Machine{
		CPU:       field("/proc/cpuinfo", "model name"),
		Cores:     runtime.NumCPU(),
		MemoryKiB: field("/proc/meminfo", "MemTotal"),
		Kernel:    read("/proc/sys/kernel/osrelease"),
		OS:        runtime.GOOS + "/" + runtime.GOARCH,
		Go:        runtime.Version(),
	}
	m.Load = strings.Join(firstWords(read("/proc/loadavg"), 3), " ")
	m.Filesystem = filesystem(dir)
	return m
}

func read(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// field returns the value of the first "name : value" line.
func field(path, name string) string {
	for line := range strings.Lines(read(path)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func firstWords(text string, n int) []string {
	words := strings.Fields(text)
	return words[:min(n, len(words))]
}

// filesystem names the type of the mount that holds dir: the longest mount
// point that is a prefix of it, the last one mounted there.
func filesystem(dir string) string {
	best, kind := "", ""
	for line := range strings.Lines(read("/proc/self/mounts")) {
		words := strings.Fields(line)
		if len(words) < 3 || len(words[1]) < len(best) {
			continue
		}
		if at := words[1]; at == "/" || dir == at || strings.HasPrefix(dir, at+"/") {
			best, kind = at, words[2]
		}
	}
	return kind
}

// commit names what was measured: the short commit, and whether the tree
// differed from it.
func commit(root string) string {
	head, err := exec.Command("git", "-C", root, "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	name := strings.TrimSpace(string(head))
	changes, err := exec.Command("git", "-C", root, "status", "--porcelain", "--", "*.go", "go.mod").Output()
	if err != nil || len(changes) > 0 {
		name += "-dirty"
	}
	return name
}
