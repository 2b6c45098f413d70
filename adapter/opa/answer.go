package opa

import (
	"errors"
	"fmt"

	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/custos-zt/custos/access"
)

// read turns the decision document into d. Whatever is not exactly a decision
// is a deny and an error that says what is wrong with it.
func (e *Engine) read(d *access.Decision, results rego.ResultSet) error {
	err := parse(d, results)
	if err != nil {
		d.Refuse(access.Internal, "")
	}
	return err
}

func parse(d *access.Decision, results rego.ResultSet) error {
	if len(results) != 1 || len(results[0].Expressions) != 1 {
		return errors.New("opa: the policy gives several decisions")
	}
	doc, ok := results[0].Expressions[0].Value.(map[string]any)
	if !ok {
		return fmt.Errorf("opa: %s is not an object", query)
	}
	for key, v := range doc {
		if err := member(d, key, v); err != nil {
			return err
		}
	}
	switch d.Effect {
	case access.Allow:
		d.Reason = access.RuleAllowed
	case access.Approve:
		d.Reason = access.ApprovalPending
	case access.Deny:
		d.Reason = access.RuleDenied
	default:
		return errors.New("opa: the decision has no outcome")
	}
	if d.Rule != "" {
		d.Matched = []access.Match{{Rule: d.Rule, Effect: d.Effect, Truth: access.True}}
	}
	return nil
}

// member reads one key of the decision. What the policy computed may hold what
// a caller sent, so errors name the key alone.
func member(d *access.Decision, key string, v any) error {
	text, isText := v.(string)
	switch key {
	case "outcome":
		switch text {
		case "allow":
			d.Effect = access.Allow
		case "approve":
			d.Effect = access.Approve
		case "deny":
			d.Effect = access.Deny
		default:
			return errors.New("opa: outcome is not allow, approve or deny")
		}
	case "reason":
		d.Message = text
	case "rule":
		d.Rule = text
	case "remediation":
		d.Remediation = text
	case "obligations":
		if list, ok := v.([]any); !ok || len(list) > 0 {
			return errors.New("opa: the decision has obligations, and this version can meet none")
		}
		return nil
	default:
		return errors.New("opa: the decision has a key that is not outcome, rule, reason, remediation or obligations")
	}
	if !isText {
		return fmt.Errorf("opa: %s is not a text", key)
	}
	return nil
}
