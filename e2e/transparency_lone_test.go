package e2e

import "testing"

// A JavaScript server that cuts a text in the middle of an emoji writes half of
// a surrogate pair; its client reads it (JSON.stringify since ES2019).
func TestHalfAnEmojiInAResultPasses(t *testing.T) {
	t.Parallel()
	h := bothEnds(t, oneTool)
	h.asks(anyCall)
	h.tells(`{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"cut \ud83d"}]}}`)
}
