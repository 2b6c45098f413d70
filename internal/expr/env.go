package expr

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
)

// newEnv is the environment that expressions are typed in.
func newEnv() (*cel.Env, error) {
	world := &world{Registry: types.NewEmptyRegistry(), objects: objects()}
	options := []cel.EnvOption{
		cel.CustomTypeAdapter(world), cel.CustomTypeProvider(world),
		cel.StdLib(cel.StdLibSubset(&env.LibrarySubset{ExcludeFunctions: withZones()})),
		cel.DefaultUTCTimeZone(true),
		cel.CrossTypeNumericComparisons(true),
		cel.ParserExpressionSizeLimit(MaxSize),
		cel.ParserRecursionLimit(60),
		cel.ExpressionNodeLimit(5000),
		cel.RegexProgramSizeLimit(1000),
		cel.ASTValidators(
			cel.ValidateComprehensionNestingLimit(MaxNesting), cel.ValidateRegexLiterals(),
			cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(),
		),
		cel.Variable("args", cel.DynType),
		cel.Variable("facts", cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable("now", cel.TimestampType),
	}
	for name := range world.objects {
		options = append(options, cel.Variable(name, cel.ObjectType(typeName(name))))
	}
	return cel.NewCustomEnv(options...) //nolint:wrapcheck // the caller says where it is from
}

// withZones are the functions over time that name a zone. Go looks zones up in
// files, and a decision does no I/O.
func withZones() []*env.Function {
	var out []*env.Function
	for function, overload := range map[string]string{
		overloads.TimeGetFullYear:     overloads.TimestampToYearWithTz,
		overloads.TimeGetMonth:        overloads.TimestampToMonthWithTz,
		overloads.TimeGetDayOfYear:    overloads.TimestampToDayOfYearWithTz,
		overloads.TimeGetDayOfMonth:   overloads.TimestampToDayOfMonthZeroBasedWithTz,
		overloads.TimeGetDate:         overloads.TimestampToDayOfMonthOneBasedWithTz,
		overloads.TimeGetDayOfWeek:    overloads.TimestampToDayOfWeekWithTz,
		overloads.TimeGetHours:        overloads.TimestampToHoursWithTz,
		overloads.TimeGetMinutes:      overloads.TimestampToMinutesWithTz,
		overloads.TimeGetSeconds:      overloads.TimestampToSecondsWithTz,
		overloads.TimeGetMilliseconds: overloads.TimestampToMillisecondsWithTz,
	} {
		out = append(out, env.NewFunction(function, &env.Overload{ID: overload}))
	}
	return out
}

// sizes tells how large data may be when costs are estimated.
type sizes struct{ usual bool }

// The sizes of honest data: members, items, and characters of a text.
const (
	usualItems = 50
	usualText  = 4096
)

// EstimateSize implements [cost.Estimator].
func (s sizes) EstimateSize(node cost.AstNode) *cost.SizeEstimate {
	if !s.usual || len(node.Path()) == 0 {
		return nil
	}
	most := uint64(usualItems)
	if k := node.Type().Kind(); k == types.StringKind || k == types.BytesKind {
		most = usualText
	}
	return &cost.SizeEstimate{Min: 0, Max: most}
}

// EstimateCallCost implements [cost.Estimator]: every function costs what CEL
// says.
func (s sizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}
