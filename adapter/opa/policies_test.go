package opa_test

// inRego turns rules into a decision: any deny, else any approve, else any allow.
func inRego(rules string) string {
	return `package custos

decision := {"outcome": "deny", "rule": min(denies)} if {
	count(denies) > 0
} else := {"outcome": "approve", "rule": min(holds)} if {
	count(holds) > 0
} else := {"outcome": "allow", "rule": min(allows)} if {
	count(allows) > 0
}

denies contains "" if { false }
holds contains "" if { false }
allows contains "" if { false }
` + rules
}

const outcomes = `
allows contains "read" if input.name == "read"
holds contains "pay" if input.name == "pay"
denies contains "drop" if input.name == "drop"
allows contains "transfer-a" if input.name == "transfer"
holds contains "transfer" if input.name == "transfer"
allows contains "wipe-a" if input.name == "wipe"
holds contains "wipe-b" if input.name == "wipe"
denies contains "wipe" if input.name == "wipe"
`

const limit = `
allows contains "all" if true
denies contains "limit" if {
	input.name == "pay"
	input.args.limit > 100
}
`

const mode = `
allows contains "all" if true
denies contains "mode" if {
	input.name == "pay"
	input.args.mode == "force"
}
`

const exact = `
allows contains "big" if {
	input.name == "big"
	input.args.id <= 9007199254740992
}
`

const facts = `
allows contains "all" if true
denies contains "device" if input.facts["device.compliant"].value == false
`

const roles = `
allows contains "read" if {
	input.name == "read"
	"support" in input.subject.roles
}
denies contains "guest" if {
	input.name == "read"
	"guest" in input.subject.roles
}
`
