package sink

import (
	"strconv"

	"github.com/custos-zt/custos/internal/config"
	"github.com/custos-zt/custos/internal/ocsf"
)

// lines writes events as lines of JSON without their newline: printable ASCII,
// so that nothing that an agent chose can break a line, a frame or a terminal.
type lines struct {
	ocsf *ocsf.Encoder // nil: the exported form
	buf  []byte
}

func newLines(format string, env *Env) *lines {
	l := &lines{}
	if format == config.FormatOCSF {
		l.ocsf = ocsf.NewEncoder(env.Instance, env.Version)
	}
	return l
}

// append appends one event.
func (l *lines) append(b []byte, ev *Event) ([]byte, error) {
	if l.ocsf != nil {
		return l.ocsf.Append(b, ocsf.Event{Record: &ev.Record, Hash: ev.Hash, Admission: ev.Admission})
	}
	l.buf = ev.Record.AppendJSON(l.buf[:0])
	b = append(b, `{"uid":`...)
	b = strconv.AppendQuoteToASCII(b, ev.UID)
	b = append(b, `,"hash":`...)
	b = strconv.AppendQuoteToASCII(b, ev.Hash)
	b = append(b, ',')
	return ocsf.AppendASCII(b, l.buf[1:]), nil
}
