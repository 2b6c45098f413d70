package casbin

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"strings"

	casbin "github.com/casbin/casbin/v3"
	"github.com/casbin/casbin/v3/model"
	"github.com/casbin/casbin/v3/util"
	"github.com/casbin/govaluate"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/policy"
)

// row is one p row.
type row struct {
	id, subject, object, condition string
	effect                         access.Effect
	position                       string
}

// New reads the files of one policy. Every row that Casbin would skip, misread
// or only find wrong while deciding is an error here, with its position.
func New(sources ...policy.Source) (*Engine, error) {
	e := &Engine{rows: map[string]row{}}
	l := loader{engine: e}
	sum := sha256.New()
	for _, s := range sources {
		if err := l.read(s); err != nil {
			return nil, err
		}
		fmt.Fprintf(sum, "%d %s\n%d\n", len(s.Name), s.Name, len(s.Data))
		sum.Write(s.Data)
	}
	if len(l.order) == 0 {
		return nil, errors.New("casbin: there is no policy")
	}
	e.digest = "sha256:" + hex.EncodeToString(sum.Sum(nil))
	if err := l.enforcer(); err != nil {
		return nil, err
	}
	return e, nil
}

type loader struct {
	engine *Engine
	order  []row
	groups [][]string
}

func (l *loader) read(s policy.Source) error {
	in := csv.NewReader(bytes.NewReader(s.Data))
	in.FieldsPerRecord, in.Comment, in.TrimLeadingSpace = -1, '#', true
	for {
		fields, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("casbin: %s: %w", s.Name, err)
		}
		line, _ := in.FieldPos(0)
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		if err := l.add(fields, fmt.Sprintf("%s:%d", s.Name, line)); err != nil {
			return fmt.Errorf("casbin: %s:%d: %w", s.Name, line, err)
		}
	}
}

func (l *loader) add(fields []string, position string) error {
	switch {
	case fields[0] == "g" && len(fields) == 3 && fields[1] != "" && fields[2] != "":
		l.groups = append(l.groups, fields[1:])
		return nil
	case fields[0] != "p" || len(fields) != 6:
		return errors.New("a row is p, ID, SUBJECT, OBJECT, CONDITION, EFFECT or g, NAME, ROLE")
	}
	r := row{id: fields[1], subject: fields[2], object: fields[3], condition: fields[4], position: position}
	switch fields[5] {
	case "allow":
		r.effect = access.Allow
	case "approve":
		r.effect = access.Approve
	case "deny":
		r.effect = access.Deny
	default:
		return fmt.Errorf("the effect %q is not allow, approve or deny", fields[5])
	}
	if err := r.check(); err != nil {
		return err
	}
	if first, dup := l.engine.rows[r.id]; dup {
		return fmt.Errorf("the id %q stands at %s already", r.id, first.position)
	}
	l.engine.rows[r.id] = r
	l.order = append(l.order, r)
	return nil
}

// check reports what is wrong with a row.
func (r *row) check() error {
	switch stem := strings.TrimSuffix(r.object, "*"); {
	case r.id == "" || r.subject == "" || r.object == "" || r.condition == "":
		return errors.New("a field is empty; a row without a condition says true")
	case strings.Contains(stem, "*"):
		return fmt.Errorf("the object %q has a * that is not at its end", r.object)
	case stem == "" && r.effect != access.Deny:
		return errors.New("the object * denies and never grants: name the backend, as in hub.*")
	}
	expression, err := govaluate.NewEvaluableExpressionWithFunctions(util.EscapeAssertion(r.condition), known())
	if err != nil {
		return fmt.Errorf("the condition is no expression: %w", err)
	}
	for _, t := range expression.Tokens() {
		switch t.Kind {
		case govaluate.TIME:
			return errors.New("the condition has a text that would be read as a date")
		case govaluate.ACCESSOR:
			return errors.New("the condition reads a field: use the functions over r.ctx")
		default:
		}
	}
	for _, name := range expression.Vars() {
		if name != "r_ctx" && name != "r_sub" && name != "r_obj" && name != "r_act" {
			return fmt.Errorf("the condition reads %s, and there are r.sub, r.obj, r.act and the functions over r.ctx", name)
		}
	}
	for _, literal := range numbers.FindAllString(quoted.ReplaceAllString(r.condition, "''"), -1) {
		if _, exact := number(literal); !exact {
			return fmt.Errorf("the number %s is not exact as a float64", literal)
		}
	}
	return nil
}

// known are the functions of Casbin and ours.
func known() map[string]govaluate.ExpressionFunction {
	builtin := model.LoadFunctionMap()
	out := builtin.GetFunctions()
	maps.Copy(out, functions())
	return out
}

var (
	quoted  = regexp.MustCompile(`'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"`)
	numbers = regexp.MustCompile(`\b[0-9][0-9.]*\b`)
)

// enforcer fills the enforcer. It gives approve rows to Casbin as allow and
// before those that allow: of several rows that allow, Casbin names the first.
func (l *loader) enforcer() error {
	m, err := model.NewModelFromString(Model)
	if err != nil {
		return fmt.Errorf("casbin: %w", err)
	}
	e, err := casbin.NewEnforcer(m)
	if err != nil {
		return fmt.Errorf("casbin: %w", err)
	}
	for name, f := range functions() {
		e.AddFunction(name, f)
	}
	var rules [][]string
	for _, effect := range []access.Effect{access.Deny, access.Approve, access.Allow} {
		eft := "allow"
		if effect == access.Deny {
			eft = "deny"
		}
		for _, r := range l.order {
			if r.effect == effect {
				rules = append(rules, []string{r.id, r.subject, r.object, r.condition, eft})
			}
		}
	}
	if _, err := e.AddPolicies(rules); err != nil {
		return fmt.Errorf("casbin: %w", err)
	}
	if len(l.groups) > 0 {
		if _, err := e.AddGroupingPoliciesEx(l.groups); err != nil {
			return fmt.Errorf("casbin: %w", err)
		}
	}
	l.engine.enforcer = e
	return nil
}
