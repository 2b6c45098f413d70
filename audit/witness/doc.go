// Package witness lets somebody elsewhere vouch for the heads of a log, after
// C2SP tlog-witness and tlog-cosignature.
//
// A witness remembers one size and root for each chain. It signs a new head,
// with the time, only where a proof shows that the old head is its beginning, and it
// never signs a smaller one. So whoever holds the witness's key and asks it can
// tell a log that was cut, rewound, replaced or forked, even by a thief of the
// log's own key. A witness never sees a record.
//
// # Asking
//
// A [Client] asks one witness. A [Follower] asks several in the background for
// the head of a chain that grows, and keeps the cosigned head beside it:
//
//	f := witness.Follow(audit.Chain{Slot: 0, Dir: dir}, clients)
//	log.OnSigned(f.Poke)
//	…
//	f.Close(time.Second)
//
// Nothing on the way of a call waits for a witness, and nothing is denied for
// want of one: what is missing shows in [Follower.Status].
//
// # Being one
//
// A [Server] answers over HTTP what a [Store] remembers. An instance is
// enrolled by its public key, whose fingerprint somebody compared:
//
//	POST /add-checkpoint             C2SP tlog-witness
//	GET  /custos/v1/heads/INSTANCE   the newest heads, cosigned at this moment
//
// What should not happen is an [Alarm]: a head that does not continue the one
// before, a smaller one, one signed by a replaced or unknown key, an unknown
// instance, and silence. Alarms stay until somebody dismisses them.
package witness
