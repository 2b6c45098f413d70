// Package audit is the evidence that Custos keeps: a log of records that
// anyone can check afterwards.
//
// # Writing
//
// A state directory has one chain of records for each slot, and each chain one
// writer: the process that holds the slot's [Lock]. [Open] continues a chain,
// [Log.Append] adds a record and returns a [Ticket] at once, and
// [Ticket.Wait] returns when the record is durable. What depends on a record
// MUST NOT happen before:
//
//	ticket := log.Append(audit.Record{Kind: audit.KindAdmission, …})
//	if err := ticket.Wait(); err != nil {
//		return deny(err) // nothing is forwarded without its record
//	}
//	forward(call)
//	log.Append(audit.Record{Kind: audit.KindOutcome, Admission: ticket.Seq(), …})
//
// Records appended while a write is under way form the next commit group: one
// write, one fdatasync, however many callers wait.
//
// Failure has one meaning. After any error of a write or an fdatasync, a short
// write, or a write past its deadline, every ticket that is not resolved yet
// and every later one fails with [ErrFailed]. Nothing is tried again, because
// an fdatasync that follows a failed one may report a success that it did not
// have. The last words go to emergency files whose space was taken at the
// start, one beside the segments and one in the secondary directory
// ([Breadcrumb]). They are signed and vouch like a checkpoint.
//
// Whoever continues a chain that failed begins a new segment with a signed gap
// record. [Seal] does that for a chain that nobody continues. Nothing is ever
// repaired.
//
// [Denials] stands before a log and counts the denials of a principal that are
// too many to be recorded one by one.
//
// # The format
//
// A chain lies in log/NN, in segment files named by the seq of their first
// record. A segment is a header and frames:
//
//	header  "CUSTOSLG" | u32 version | u32 CRC-32C of both
//	frame   u32 length | u32 CRC-32C of length and payload | payload | zeros to a multiple of 8
//
// A frame is a commit group: the payload is one or more records, each followed
// by a newline. That is what one fdatasync covers, so a crash can tear the
// last frame of a chain and no other, in whatever order pages reach the disk;
// and a frame header, aligned to 8, never lies across two sectors. Every other
// broken frame was whole once, which is tampering.
//
// A record is one line of JSON ([Record]). Its hash is the SHA-256 of its bytes
// as stored, without the newline; nothing is ever encoded again to be checked.
// The next record carries that hash as prev, across segments. A chain begins
// with a genesis record, every later segment with a segment record; both name
// the instance. Behind the last frame a segment holds zeros, written ahead of
// need, which are cut off when it is closed.
//
// # Reading
//
// [Verify] checks every chain of a log directory; [Read], [Follow] and [Find]
// read records, beside a live writer too. They take no lock.
//
// # What a record says
//
// A record holds no value of a call: names, types and sizes of arguments
// ([Describe]), and keyed digests of what was judged ([Judge]), so that
// [PathDigests] and [HostDigests] find calls by what the log does not hold. What
// a higher redaction tier adds, and what is hidden on top, is the caller's to
// decide ([Options].Redact). [Schema] describes the format.
//
// # What it proves
//
// A chain shows any change that was not carried through to its end. Against a
// cut tail, or a chain that was computed anew, stands the [Checkpoint]: the
// signed head of a Merkle tree (RFC 6962) whose entries are the hashes of the
// records, at most a second behind a log that grows. Below it nothing is a crash's work. Whoever
// has stolen the key, or can remove the checkpoint, is found only by a head that
// was kept elsewhere ([Heads], [VerifyOptions].Since), so a [Report] always
// states its scope.
//
// Records expire ([Options].Retention), by whole segments and after a record
// that says so, which a checkpoint counts; their hashes stay in the tree, which
// was derived until then and is kept from then on. Heads that were signed over
// them, and proofs that were made of them, hold for ever.
//
// The tree also shows one call without the log: [Prove] and [CheckProof].
//
// The key may be replaced ([Keys]): a record says so, which the old key and the
// new one signed, and what the old one signs from then on counts for nothing.
//
// While a chain is written, a monitor compares its files with what the process
// left, every 30 seconds and before each group. A finding is recorded and ends
// the log, as a failure does.
package audit
