package post

import (
	"encoding/json"
	"strings"
	"testing"
)

// A message has room for so much. Where something is cut that is said, so that
// nobody takes a part for the whole.
func TestSlackCutsAndSaysSo(t *testing.T) {
	m := NewSlack("<!channel>")
	m.Plain(strings.Repeat("é", 4000))
	for range 100 {
		m.Plain("<@U1> & n")
	}
	m.Own("<https://example/|here>")
	b, err := json.Marshal(m)
	var got slackBody
	if err == nil {
		err = json.Unmarshal(b, &got)
	}
	if err != nil || len(got.Blocks) > 50 || got.Text != "&lt;!channel&gt;" {
		t.Fatalf("%v: %d blocks, %q", err, len(got.Blocks), got.Text)
	}
	first, last, own := got.Blocks[0].Text, got.Blocks[len(got.Blocks)-2].Text, got.Blocks[len(got.Blocks)-1].Text
	if !strings.HasSuffix(first.Text, slackCut) || len(first.Text) > 3000 || last.Text != slackCut {
		t.Errorf("%.40q, %q", first.Text, last.Text)
	}
	if second := got.Blocks[1].Text; second.Type != "plain_text" || second.Text != "&lt;@U1&gt; &amp; n" {
		t.Errorf("%+v", second)
	}
	if own.Type != "mrkdwn" || own.Text != "<https://example/|here>" {
		t.Errorf("%+v", own)
	}
}
