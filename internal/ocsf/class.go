package ocsf

import (
	"maps"
	"slices"

	"github.com/custos-zt/custos/audit"
)

// class is one event class of the schema.
type class struct {
	uid      int
	name     string
	category int
	catName  string
}

// The classes that are written.
func baseEvent() class { return class{0, "Base Event", 0, "Uncategorized"} }
func detection() class { return class{2004, "Detection Finding", 2, "Findings"} }
func authorizeSession() class {
	return class{3003, "Authorize Session", 3, "Identity & Access Management"}
}

func entityManagement() class {
	return class{3004, "Entity Management", 3, "Identity & Access Management"}
}
func lifecycle() class   { return class{6002, "Application Lifecycle", 6, "Application Activity"} }
func apiActivity() class { return class{6003, "API Activity", 6, "Application Activity"} }

// activity is what an event of a class says was done. 99 is an activity that
// the schema does not name.
type activity struct {
	id   int
	name string
}

// row says how the records of one kind are written.
type row struct {
	class    class
	activity activity
	fill     func(*event, *Event)
}

// rows is the table: one line a kind. A kind that is missing here is written as
// a base event, and a test says so.
func rows() map[audit.Kind]row {
	other := func(name string) activity { return activity{99, name} }
	return map[audit.Kind]row{
		audit.KindAdmission:      {apiActivity(), other("Invoke"), fillAdmission},
		audit.KindOutcome:        {apiActivity(), other("Invoke"), fillOutcome},
		audit.KindOutcomeUnknown: {apiActivity(), other("Invoke"), fillOutcome},
		audit.KindApproval:       {authorizeSession(), activity{1, "Assign Privileges"}, fillApproval},
		audit.KindLease:          {authorizeSession(), activity{1, "Assign Privileges"}, fillLease},
		audit.KindPolicy:         {entityManagement(), activity{10, "Activate"}, fillPolicy},
		audit.KindConfig:         {entityManagement(), activity{3, "Update"}, fillConfig},
		audit.KindKey:            {entityManagement(), activity{3, "Update"}, fillKey},
		audit.KindReview:         {detection(), activity{2, "Update"}, fillReview},
		audit.KindSeal:           {lifecycle(), other("Seal Log"), fillLog},
		audit.KindExpired:        {lifecycle(), other("Expire Segments"), fillLog},
		audit.KindGap:            {detection(), activity{1, "Create"}, fillGap},
		audit.KindTornTail:       {detection(), activity{1, "Create"}, fillTornTail},
		audit.KindAnomaly:        {detection(), activity{1, "Create"}, fillAnomaly},
		audit.KindStart:          {lifecycle(), activity{3, "Start"}, fillGuard},
		audit.KindStop:           {lifecycle(), activity{4, "Stop"}, fillGuard},
		audit.KindDenials:        {detection(), activity{1, "Create"}, fillDenials},
		audit.KindClock:          {detection(), activity{1, "Create"}, fillClock},
		audit.KindGenesis:        {lifecycle(), other("Begin Log"), fillLog},
		audit.KindSegment:        {lifecycle(), other("Begin Segment"), fillLog},
	}
}

// Kinds returns every kind of record that has a class, in order.
func Kinds() []audit.Kind { return slices.Sorted(maps.Keys(rows())) }

// unknownKind is how a record is written whose kind a newer Custos made.
func unknownKind() row {
	return row{baseEvent(), activity{99, "Record"}, func(*event, *Event) {}}
}

// severities are the captions of severity_id.
func severities(id int) string {
	return [...]string{"Unknown", "Informational", "Low", "Medium", "High", "Critical", "Fatal"}[id]
}

// The severities that are given.
const (
	informational = 1
	low           = 2
	medium        = 3
	high          = 4
	critical      = 5
)
