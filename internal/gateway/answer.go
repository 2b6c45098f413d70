package gateway

import (
	"encoding/json"

	"github.com/custos-zt/custos/access"
	"github.com/custos-zt/custos/internal/canon"
	"github.com/custos-zt/custos/internal/pep"
)

// deniedCode is the JSON-RPC error code of a refusal by Custos, in the range
// that the specification leaves to implementations.
const deniedCode = -32010

// denialData travels in error.data, and in _meta of a tool result.
type denialData struct {
	DecisionID string `json:"decision_id"`
	Reason     string `json:"reason"`
	// PendingID names what a person may still allow.
	PendingID string `json:"pending_id,omitempty"`
	// StepUp is what the caller would have to prove.
	StepUp *access.StepUp `json:"step_up,omitempty"`
}

// shape turns a refused admission into the frame that answers id (raw JSON).
type shape func(id string, a *pep.Admission) []byte

// errorAnswer is a refusal as a JSON-RPC error.
func errorAnswer(id string, a *pep.Admission) []byte {
	return frame(struct {
		JSONRPC string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Error   any             `json:"error"`
	}{"2.0", json.RawMessage(id), struct {
		Code    int        `json:"code"`
		Message string     `json:"message"`
		Data    denialData `json:"data"`
	}{deniedCode, a.Text(), data(a)}})
}

// resultAnswer is a refusal as a tool result: clients drop the data and codes
// of errors before the model sees them.
func resultAnswer(id string, a *pep.Admission) []byte { return toolResult(id, a, "") }

// modernResultAnswer is the same for the stateless era, where a result names
// its type.
func modernResultAnswer(id string, a *pep.Admission) []byte { return toolResult(id, a, "complete") }

func toolResult(id string, a *pep.Admission, resultType string) []byte {
	type block struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	return frame(struct {
		JSONRPC string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Result  any             `json:"result"`
	}{"2.0", json.RawMessage(id), struct {
		Meta       denialData `json:"_meta"`
		Content    []block    `json:"content"`
		IsError    bool       `json:"isError"`
		ResultType string     `json:"resultType,omitempty"`
	}{data(a), []block{{"text", a.Text()}}, true, resultType}})
}

func data(a *pep.Admission) denialData {
	return denialData{DecisionID: a.ID, Reason: a.Wire(), PendingID: a.PendingID(), StepUp: a.Decision.StepUp}
}

// frame encodes an answer. Its parts are our own types and an id that was
// read strictly, so it cannot fail; if it did, an empty error is still a
// refusal.
func frame(answer any) []byte {
	b, err := json.Marshal(answer)
	if err != nil {
		return []byte(`{"jsonrpc":"2.0","id":null,"error":{"code":-32010,"message":"Custos denied this message"}}`)
	}
	return b
}

// denialShape picks the form in which a refused request is answered.
func (s *Stdio) denialShape(m *canon.Message) shape {
	switch {
	case m.Method != "tools/call" || s.opt.ErrorDenials:
		return errorAnswer
	case modern(m):
		return modernResultAnswer
	default:
		return resultAnswer
	}
}

// modern reports whether a request belongs to the stateless era: it names its
// protocol version itself.
func modern(m *canon.Message) bool {
	return m.Params.Path("_meta", "io.modelcontextprotocol/protocolVersion").Kind() == access.String
}

// repeating is the shape for a tool that is not known because the server
// refused to list its tools to Custos, which asked with what the caller's
// request says of itself. What the server says of that, an unsupported revision
// (-32022) or a missing capability (-32021), is the answer to the caller too:
// clients agree on a revision by it. Everything else keeps the shape otherwise.
func repeating(refusal access.Value, otherwise shape) shape {
	code := refusal.Get("code").Raw()
	if code != "-32022" && code != "-32021" {
		return otherwise
	}
	return func(id string, a *pep.Admission) []byte {
		if a.Decision.Reason != access.ToolUnknown {
			return otherwise(id, a)
		}
		return []byte(`{"jsonrpc":"2.0","id":` + id + `,"error":` + refusal.Raw() + `}`)
	}
}

// answerClient sends a refusal once its record is durable. Where it cannot be
// recorded, the refusal says that instead: there is nothing to let through.
func (s *Stdio) answerClient(id string, a *pep.Admission, as shape) {
	s.toClient.Send(item{wait: a, frame: as(id, a), failed: func(error) []byte {
		a.Unrecorded()
		return as(id, a)
	}})
}
