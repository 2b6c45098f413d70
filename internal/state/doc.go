// Package state is the state directory: everything that one instance of Custos
// writes, and the keys that only it may know.
//
//	lock               held while the directory is made
//	keys/hmac          the key of keyed digests
//	keys/log           the Ed25519 key that signs the log, unless a [KeyStore] has it
//	keys/log.pub       the public log keys, the first of which names the instance
//	log/00 log/01 …    one chain of records for each slot
//	run/00.json …      what the holder of a slot does
//	run/00.sock …      where it answers: see [Slot.Listen]
//	policy/            every activated policy, by digest
//	sinks/             who ships records; how far each sink came
//
// Processes that share a directory are one instance. Each takes a slot for its
// life with [Dir.AcquireSlot] and writes the chain of that slot alone; the
// kernel gives the slot back when the process ends, however it ends.
//
// Directories have mode 0700 and files 0600. A directory or key that others
// can reach, that belongs to somebody else or that is a symbolic link is
// refused: whoever prepared it could read the keys or edit the log.
package state
