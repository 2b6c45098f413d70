// Package proof shows what a policy does before it is in force: it decides
// requests that are written down, runs tables of tests, and changes policies on
// purpose to see whether their tests notice.
//
// Nothing here is asked while calls are served. Everything is decided by the
// same snapshots as a real call, completed by the policy administrator, so that
// a proof cannot disagree with the gate. Two things differ, and both are what
// makes a proof repeatable: paths have their lexical readings only, and a tool
// under `known:` is described by its recorded definition instead of a live
// server's.
//
// The package does no I/O. Who calls it reads the files and hands them over.
package proof
