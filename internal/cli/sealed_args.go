package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/sealed"
	"github.com/custos-zt/custos/internal/state"
	"github.com/custos-zt/custos/internal/term"
)

// unsealed is what is known of the arguments of a recorded call.
type unsealed struct {
	call sealed.Call
	err  error // why they are not known; sealed.ErrNotKept is nothing unusual
}

// unseal opens what was sealed of a call.
func (a *app) unseal(r *audit.Record) unsealed {
	if r.Args == nil {
		return unsealed{err: sealed.ErrNotKept}
	}
	conf, err := a.config()
	if err != nil {
		return unsealed{err: err}
	}
	path, err := a.statePath(conf)
	if err != nil {
		return unsealed{err: err}
	}
	key, err := state.SealKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		return unsealed{err: sealed.ErrNotKept}
	}
	if err != nil {
		return unsealed{err: err}
	}
	keep := conf.Audit.Replay.Keep
	if keep <= 0 {
		keep = sealed.DefaultKeep
	}
	dir := filepath.Join(state.SealedRoot(path), audit.SlotName(r.Slot))
	call, err := sealed.Find(dir, key, sealed.Place{Slot: r.Slot, Seq: r.Seq, HMAC: r.Args.HMAC}, keep, time.Now())
	return unsealed{call, err}
}

// printArgs prints the arguments of a call, or their names alone.
func (a *app) printArgs(r *audit.Record, k unsealed) {
	if r.Args == nil || len(r.Args.Names) == 0 {
		return
	}
	names := term.Escape(strings.Join(r.Args.Names, ", "))
	if k.err != nil {
		why := "values are not recorded"
		if !errors.Is(k.err, sealed.ErrNotKept) {
			why = strings.TrimPrefix(k.err.Error(), "sealed: ")
		}
		fmt.Fprintf(a.Out, "arguments %s  (%d bytes; %s)\n", names, r.Args.Bytes, term.Escape(why))
		return
	}
	note := "from the sealed store"
	if k.call.Masked {
		note += ", known secrets cut out"
	}
	fmt.Fprintf(a.Out, "arguments %s  (%d bytes; %s)\n", names, r.Args.Bytes, note)
	args, ok := argsOf(&k.call)
	if !ok {
		fmt.Fprintf(a.Out, "          %s\n", shortened(k.call.Params))
		return
	}
	for _, m := range args.Members() {
		fmt.Fprintf(a.Out, "          %s = %s\n", shortened(m.Key), shortened(m.Value.Raw()))
	}
}

// argsOf returns the arguments within kept params. What secrets were cut out of
// may be no JSON any more.
func argsOf(c *sealed.Call) (access.Value, bool) {
	v, err := canon.Parse(c.Params, canon.Limits{Bytes: len(c.Params) + 1, Depth: 1000, FoldDepth: -1})
	if err != nil {
		return access.Value{}, false
	}
	if args := v.Get("arguments"); c.Method != "resources/read" && !args.IsAbsent() {
		v = args
	}
	return v, v.Kind() == access.Object
}

// maxPrinted is how much of one value is printed for people.
const maxPrinted = 300

// shortened makes a value fit a line.
func shortened(s string) string {
	if len(s) > maxPrinted {
		cut := strings.ToValidUTF8(s[:maxPrinted], "")
		return fmt.Sprintf("%s… (%d bytes)", term.Escape(cut), len(s))
	}
	return term.Escape(s)
}

// openedJSON returns an exported record with what was opened of it as a text
// beside its own fields: it is what an agent sent, and no part of the record.
func openedJSON(r *audit.Record, member, text string) ([]byte, error) {
	quoted, err := json.Marshal(text)
	if err != nil {
		return nil, err
	}
	line := r.ExportJSON()
	line = append(line[:len(line)-1], `,"`+member+`":`...)
	return append(append(line, asciiJSON(quoted)...), '}'), nil
}

// asciiJSON escapes in a JSON text whatever is not ASCII: some of it would
// change how a terminal shows the line.
func asciiJSON(b []byte) []byte {
	var out []byte
	for _, r := range string(b) {
		switch {
		case r < 0x7f:
			out = append(out, byte(r))
		case r > 0xffff:
			r -= 0x10000
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// printWhy prints a record with the params of its call, where they are kept.
func (a *app) printWhy(r *audit.Record, k unsealed) error {
	if k.err != nil {
		if err := a.printRecord(r); err != nil {
			return err
		}
		return tampered(k)
	}
	line, err := openedJSON(r, "params", k.call.Params)
	if err != nil {
		return failure(err, "")
	}
	_, err = fmt.Fprintf(a.Out, "%s\n", line)
	return err
}

// tampered is the exit of a command that found kept arguments changed.
func tampered(k unsealed) error {
	if errors.Is(k.err, sealed.ErrTampered) {
		return status(ExitEvidence)
	}
	return nil
}

// wanting says which conditions kept a rule from granting.
func wanting(open []access.Condition) string {
	var fields []string
	for _, c := range open {
		fields = append(fields, fmt.Sprintf("%s is %s", c.Field, c.Truth))
	}
	if len(fields) == 0 {
		return ""
	}
	return "  (" + term.Escape(strings.Join(fields, ", ")) + ")"
}
