package audit

import (
	"strings"
	"testing"
)

// A long session must not make the next one slow: what is opened is small.
func TestALongSegmentIsTurnedAtTheEnd(t *testing.T) {
	logDir, dir := slot(t)
	l := mustOpen(t, dir, options(t))
	var last Ticket
	for range 3000 {
		last = l.Append(Record{Kind: KindAnomaly, Detail: strings.Repeat("x", 600)})
	}
	if err := last.Wait(); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	segs, err := listSegments(dir)
	if err != nil || len(segs) != 2 || segs[1].first != last.Seq()+1 {
		t.Fatalf("segments %v, %v: want a new one after record %d", segs, err, last.Seq())
	}
	l = mustOpen(t, dir, options(t))
	if err := l.Append(Record{Kind: KindAnomaly}).Wait(); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	if segs, _ = listSegments(dir); len(segs) != 2 {
		t.Errorf("a short session began a segment of its own: %v", segs)
	}
	report, err := Verify(logDir, VerifyOptions{})
	if err != nil || report.Tampered() || report.Records() != uint64(len(segs))+3000+1 {
		t.Errorf("%+v, %v", report, err)
	}
}
