// Package ocsf writes records of the log as events of the Open Cybersecurity
// Schema Framework, version 1.9.0, for exports and sinks.
//
// A record becomes one event; its kind chooses the class:
//
//	admission, outcome, outcome_unknown    API Activity 6003
//	approval                               Authorize Session 3003
//	policy, config, key                    Entity Management 3004
//	gap, torn_tail, anomaly, review        Detection Finding 2004
//	start, stop, genesis, segment,
//	seal, expired                          Application Lifecycle 6002
//
// A kind that the table does not know becomes a Base Event, so that a newer
// log loses nothing. Authentication 3002 and Device Config State Change 5019
// have no records yet.
//
// The profiles are ai_operation (who acted), security_control (what was decided)
// and record_integrity: the fingerprint is the SHA-256 of the record as stored,
// the value that the chain and the Merkle tree carry, not one of the event.
// What MCP and Custos know beyond the schema stands under unmapped.mcp, whose
// version is [MCPVersion]. Nothing else is unmapped.
//
// Events are plain ASCII: what is not is escaped, so that text from agents and
// servers cannot change how a line is shown or parsed.
package ocsf

// The versions of what is written.
const (
	// Version is that of the schema.
	Version = "1.9.0"
	// MCPVersion is that of unmapped.mcp.
	MCPVersion = "1"
)
