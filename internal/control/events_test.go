package control

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/custos-zt/custos/audit"
)

// event is one event of a stream.
type event struct{ id, name, data string }

// follower reads a stream of events.
type follower struct {
	t    *testing.T
	got  *http.Response
	in   *bufio.Scanner
	stop func()
}

// follow opens a stream behind an event; "" begins at the end of the log.
func (b *bureau) follow(after, query string) *follower {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.t.Context(), time.Minute) // where it fails
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.base+"/v1/events"+query, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+b.tokens.Viewer)
	if after != "" {
		r.Header.Set("Last-Event-ID", after)
	}
	client := http.Client{Transport: &http.Transport{}}
	got, err := client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	f := &follower{b.t, got, bufio.NewScanner(got.Body), func() { stop(); got.Body.Close(); client.CloseIdleConnections() }}
	b.t.Cleanup(f.stop)
	if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "text/event-stream" {
		b.t.Fatalf("%d %v", got.StatusCode, got.Header)
	}
	return f
}

// next reads the next event.
func (f *follower) next() event {
	f.t.Helper()
	var e event
	for f.in.Scan() {
		name, value, _ := strings.Cut(f.in.Text(), ": ")
		switch name {
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			e.data = value
		case "":
			if e.name != "" {
				return e
			}
		}
	}
	f.t.Fatalf("the stream ends: %v", f.in.Err())
	return e
}

// appendTo appends a record and returns when it is durable.
func appendTo(t *testing.T, log *audit.Log, kind audit.Kind, detail string) {
	t.Helper()
	if err := log.Append(audit.Record{Kind: kind, Detail: detail}).Wait(); err != nil {
		t.Fatal(err)
	}
}

// Whoever comes back with the id of any event gets exactly what followed it,
// in several chains too, and from one that began meanwhile.
func TestResume(t *testing.T) {
	b := newBureau(t)
	f := b.follow("", "")
	first := f.next()
	if first.name != "position" || first.id != "0:1" { // the genesis
		t.Fatalf("%+v", first)
	}
	other := b.openLog(3)
	for i := range 20 {
		appendTo(t, []*audit.Log{b.log, other}[i%2], audit.KindAnomaly, fmt.Sprintf("n%d", i))
	}
	all := []event{}
	for len(all) < 21 { // and the genesis of the other chain
		all = append(all, f.next())
	}
	f.stop()
	for i, e := range append([]event{first}, all...) {
		again := b.follow(e.id, "")
		if p := again.next(); p.name != "position" || p.id != e.id {
			t.Errorf("behind %s: %+v", e.id, p)
		}
		rest := []event{}
		for range all[i:] {
			rest = append(rest, again.next())
		}
		again.stop()
		if !sameRecords(rest, all[i:]) {
			t.Errorf("behind %s:\n%v\nwant\n%v", e.id, rest, all[i:])
		}
		if len(rest) > 0 && rest[len(rest)-1].id != all[len(all)-1].id {
			t.Errorf("behind %s the end is %s", e.id, rest[len(rest)-1].id)
		}
	}
}

// sameRecords compares what streams brought. Between chains the order is that of
// time, as far as both were there when somebody looked.
func sameRecords(a, b []event) bool {
	texts := func(list []event) []string {
		out := make([]string, len(list))
		for i := range list {
			out[i] = list[i].data
		}
		slices.Sort(out)
		return out
	}
	return slices.Equal(texts(a), texts(b))
}

func TestKindsOfEvents(t *testing.T) {
	b := newBureau(t)
	f := b.follow("", "?kind=clock&kind=gap")
	f.next()
	for _, kind := range []audit.Kind{audit.KindAnomaly, audit.KindClock, audit.KindStop, audit.KindGap} {
		appendTo(t, b.log, kind, "one\nof \u2028 many")
	}
	for _, want := range []event{{"0:3", "clock", ""}, {"0:5", "gap", ""}} {
		got := f.next()
		if got.id != want.id || got.name != want.name || !strings.Contains(got.data, `one\nof`) {
			t.Errorf("%+v", got)
		}
	}
}

// A position that is none of this log is refused, and so is one too many.
func TestWhoMayFollow(t *testing.T) {
	b := newBureau(t)
	for _, bad := range []string{"0:99", "1:1", "x", "0:1,0:1", "0:01", "00:1", "0:1,", "-1:1", "1024:1", "0:18446744073709551616"} {
		got := b.send("GET", "/v1/events", b.tokens.Viewer, "", "Last-Event-ID", bad)
		if got.status != http.StatusBadRequest || got.code() != "invalid" {
			t.Errorf("%q: %d %s", bad, got.status, got.body)
		}
	}
	if got := b.send("GET", "/v1/events", "", ""); got.status != http.StatusUnauthorized {
		t.Errorf("without a token: %d", got.status)
	}
	var all []*follower
	for range maxFollowers {
		f := b.follow("", "")
		f.next()
		all = append(all, f)
	}
	if got := b.send("GET", "/v1/events", b.tokens.Viewer, ""); got.status != http.StatusServiceUnavailable || got.code() != "busy" {
		t.Errorf("one more: %d %s", got.status, got.body)
	}
	all[0].stop()
	for len(b.page.followers) == maxFollowers { // until the server saw that the reader is gone
		time.Sleep(time.Millisecond)
	}
	b.follow("", "").next()
}

// A silent stream says that it lives.
func TestHeartbeat(t *testing.T) {
	b := newBureau(t, func(o *Options) { o.Heartbeat = time.Millisecond })
	f := b.follow("", "")
	f.next()
	for f.in.Scan() {
		if f.in.Text() == ": " {
			return
		}
	}
	t.Errorf("the stream ends: %v", f.in.Err())
}

func FuzzPosition(f *testing.F) {
	for _, s := range []string{"0:12", "0:12,1:7", "", "0:1,0:2", "99:18446744073709551615"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePosition(s)
		if err == nil && (formatPosition(p) != s || len(p) == 0) {
			t.Errorf("%q is read as %v", s, p)
		}
	})
}
