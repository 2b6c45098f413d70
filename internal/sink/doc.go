// Package sink carries the records of the log to where people look for them:
// files, syslog, a webhook, an OpenTelemetry collector, Prometheus.
//
// # Readers, not writers
//
// A sink reads the log's files behind everybody's back. Nothing on the way of a
// call waits for one, knows of one or fails with one. What a sink cannot
// deliver stays in the log; the log is the evidence and a sink is a copy.
//
// [Ship] runs one goroutine a sink: read a batch, deliver it, and only then keep
// how far it came ([Cursor]). There is no queue between, so a receiver that is
// down costs no memory, and holds no other sink up.
//
// # At least once
//
// A cursor is kept after delivery, at most once a second. A process that is
// killed in between delivers again what it delivered last, so every record has
// an id that is the same each time and unlike any other anywhere:
//
//	i_7Q2M…:0:1234    instance, slot, number
//
// A cursor also keeps the hash of the last record. Where the log does not go on
// from it, somebody put another log in its place: that is counted and said, and
// the chain is delivered anew. Records that retention removed before they were
// delivered are counted as lost.
//
// A record may be delivered an instant before it is durable. Where the power
// fails in that instant the receiver holds a record that the log lost, which is
// noticed in the same way.
//
// One process ships for a state directory; the others wait for its lock.
//
// # Adding one
//
// A file sink/NAME.go with a [Sink], one line in sinks.go, and its place in the
// cursor suite (suite_test.go), which every sink passes.
package sink
