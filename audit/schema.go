package audit

import _ "embed" // the schema is a file, so that editors can show it

//go:embed record.schema.json
var recordSchema string

// Schema returns the JSON Schema (draft 2020-12) of a record, as stored and as
// exported. Every record that this package writes is valid by it; a test
// validates each kind, and fails for a field that it does not describe.
func Schema() []byte { return []byte(recordSchema) }
