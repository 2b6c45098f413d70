// Package index answers questions about a log that is too long to be read for
// each of them. It is an SQLite database beside the log, made from the log and
// from nothing else.
//
// # Not evidence
//
// Whoever can write the database can make it say anything. So it only says
// where to look: [Index.Search] reads every record that it names again from the
// log and asks the filter once more. A record that the index does not mention
// may still be there; who needs to know reads the log itself, as `custos audit
// query --scan` does. An index that is damaged, of another version or of another
// log is thrown away and built anew.
//
// # Reading along
//
// [Index.Update] reads what was appended since the last time. How far each slot
// was read is stored in the same transaction as what came of it, with the hash
// of the last record: an interrupted update leaves nothing half done, and a log
// that lost its end in a power cut, or is another log, is noticed. Nothing on the
// path of a call waits for an index or knows of it. Any number of processes may
// read while one updates.
//
// # How it finds
//
// An entry is a row: a record, and for a call the outcome that followed it (see
// package query). Entries are numbered in the order of reading, and 256 of them
// are a block. For every text that a filter may ask for, a posting says in which
// blocks it occurs, so that a filter is an intersection of sorted lists of
// blocks, newest first, and few entries are looked at that do not match. What
// occurs often together but seldom in one entry has postings for the pair. A
// directory that every call touches costs a bit in 256 entries; ordinary
// indexes over every judged value would be several times the size of the log's
// own fields.
//
// Beside the entries are sums by the hour ([Index.Stats]), which outlive the
// records that retention removes, and for tools and hosts the first entry that
// named them.
package index
