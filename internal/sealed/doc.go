// Package sealed keeps the arguments of calls for a while, sealed under a local
// key: for `custos why`, for replaying calls under another policy, and for
// learning from them. The log itself holds no argument.
//
// The store is a convenience and no evidence. It lies beside the log, one folder
// a slot, and is written after a call was admitted, by a goroutine that nobody
// waits for: nothing is synced, what does not fit the queue is left out, and an
// error ends the sealing, never the guarding. What a crash loses of it is gone.
//
// # The format
//
// A file is a header and entries, all numbers big-endian:
//
//	header  "CUSTOSRP" | u32 version | u64 created, Unix seconds | 8 bytes key id | 32 bytes salt
//	entry   u32 length of what follows | u64 seq | 12 bytes nonce | AES-256-GCM ciphertext and tag
//
// The key of a file is HKDF-SHA-256 of the seal key with the file's salt. What
// is authenticated beside the plaintext are slot, seq and the keyed digest of the
// arguments that the record of the call holds: an entry opens for the record it
// was made for and for no other. The plaintext is one byte of flags, the method
// with its length in two bytes, and the params as sent.
//
// Files are removed whole: [Options.Keep] after they were begun, and the oldest
// first where a slot has more than [Options.Size]. A file takes entries for a
// tenth of Keep, at most a day, so that an entry lives up to that much shorter
// and never longer.
//
// Whoever can read the state directory has the key too, see docs/THREATS.md: the
// seal is against backups, log collectors and a look over the shoulder.
package sealed
