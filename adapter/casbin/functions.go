package casbin

import (
	"errors"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/casbin/govaluate"

	"github.com/custos-zt/custos/access"
)

// errUnknown is what a condition cannot be evaluated for. It carries no value:
// what was sent stays out of messages.
var errUnknown = errors.New("not there, or of another type")

var errOperands = errors.New("wrong operands")

// functions are those of conditions, and covers, which is the model's.
func functions() map[string]govaluate.ExpressionFunction {
	return map[string]govaluate.ExpressionFunction{
		"covers":       covers,
		"role":         over(role),
		"has":          over(has),
		"has_fact":     over(hasFact),
		"number":       over(arg(asNumber)),
		"text":         over(arg(asText)),
		"flag":         over(arg(asFlag)),
		"fact_number":  over(fact(asNumber)),
		"fact_text":    over(fact(asText)),
		"fact_flag":    over(fact(asFlag)),
		"args_unknown": alone(func(r *access.Request) bool { return r.ArgsUnknown }),
		"passes":       alone(func(r *access.Request) bool { return r.Passes }),
	}
}

// over is a function of the call and a name.
func over(f func(*access.Request, string) (any, error)) govaluate.ExpressionFunction {
	return func(args ...any) (any, error) {
		if len(args) != 2 {
			return nil, errOperands
		}
		r, isRequest := args[0].(*access.Request)
		name, isText := args[1].(string)
		if !isRequest || !isText {
			return nil, errOperands
		}
		return f(r, name)
	}
}

// alone is a function of the call.
func alone(f func(*access.Request) bool) govaluate.ExpressionFunction {
	return func(args ...any) (any, error) {
		if len(args) == 1 {
			if r, ok := args[0].(*access.Request); ok {
				return f(r), nil
			}
		}
		return nil, errOperands
	}
}

// covers reports whether an object of the policy is the one asked for.
func covers(args ...any) (any, error) {
	if len(args) != 2 {
		return nil, errOperands
	}
	pattern, isPattern := args[0].(string)
	object, isObject := args[1].(string)
	if !isPattern || !isObject {
		return nil, errOperands
	}
	if stem, prefix := strings.CutSuffix(pattern, "*"); prefix {
		return strings.HasPrefix(object, stem), nil
	}
	return pattern == object, nil
}

// role reports whether the subject has "role:ISSUER:NAME" or is in
// "group:ISSUER:NAME".
func role(r *access.Request, name string) (any, error) {
	kind, name, _ := strings.Cut(name, ":")
	if issuer := r.Subject.Issuer; issuer != "" {
		var ok bool
		if name, ok = strings.CutPrefix(name, issuer+":"); !ok {
			return false, nil
		}
	}
	switch kind {
	case "role":
		return slices.Contains(r.Subject.Roles, name), nil
	case "group":
		return slices.Contains(r.Subject.Groups, name), nil
	default:
		return false, nil
	}
}

func has(r *access.Request, path string) (any, error) {
	if r.ArgsUnknown {
		return nil, errUnknown
	}
	return !r.Args.Path(strings.Split(path, ".")...).IsAbsent(), nil
}

func hasFact(r *access.Request, name string) (any, error) {
	return !r.Facts[name].Value.IsAbsent(), nil
}

func arg(as func(access.Value) (any, error)) func(*access.Request, string) (any, error) {
	return func(r *access.Request, path string) (any, error) {
		if r.ArgsUnknown {
			return nil, errUnknown
		}
		return as(r.Args.Path(strings.Split(path, ".")...))
	}
}

func fact(as func(access.Value) (any, error)) func(*access.Request, string) (any, error) {
	return func(r *access.Request, name string) (any, error) { return as(r.Facts[name].Value) }
}

func asNumber(v access.Value) (any, error) {
	if v.Kind() == access.Number {
		if f, exact := number(v.Raw()); exact {
			return f, nil
		}
	}
	return nil, errUnknown
}

func asText(v access.Value) (any, error) {
	if v.Kind() == access.String {
		return v.Text(), nil
	}
	return nil, errUnknown
}

func asFlag(v access.Value) (any, error) {
	if v.Kind() == access.Bool {
		return v.True(), nil
	}
	return nil, errUnknown
}

// A float64 tells decimals of 15 digits apart.
const (
	exactDigits = 15
	maxDigits   = 40
	// smallestNormal is where float64 begins to lose digits.
	smallestNormal = 0x1p-1022
)

// number reads a literal, and reports whether float64 tells it from all others.
func number(raw string) (float64, bool) {
	f, err := strconv.ParseFloat(raw, 64)
	if err != nil || len(raw) > maxDigits {
		return 0, false
	}
	mantissa, _, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(raw, "-")), "e")
	digits := strings.TrimLeft(strings.Replace(mantissa, ".", "", 1), "0")
	switch {
	case digits == "":
		return 0, true
	case math.Abs(f) < smallestNormal:
		return 0, false
	case len(digits) <= exactDigits:
		return f, true
	case math.Abs(f) > 1<<53:
		return 0, false
	}
	exact, ok := new(big.Rat).SetString(raw)
	return f, ok && exact.Cmp(new(big.Rat).SetFloat64(f)) == 0
}
