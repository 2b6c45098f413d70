// Package canon turns bytes that came from outside into one meaning, or
// refuses them.
//
// A guard and the program behind it may read the same bytes differently: two
// keys with one name, a path that is percent-encoded, an address written as
// one octal number. Whoever can make them differ is past the guard. So this
// package reads strictly where there is one right reading, and names every
// reading where there are several:
//
//   - [Scan] and [Parse] read JSON into an [access.Value] and refuse what two
//     parsers may understand differently; [ReadMessage] does so for one
//     JSON-RPC message.
//   - [AppendCanonical], [Digest] and [RequestDigest] write a value in the one
//     form that does not depend on key order and white space.
//   - [CompareNumbers] and [EqualValues] compare numbers exactly.
//   - [ReadPath] and [ReadURL] list the readings of a string that a tool may
//     take for a path or a URL; [Fold] is the form in which restrictions see it.
//
// A restriction matches where any reading matches, a grant only where all of
// them do. Readings here are lexical: nothing in this package touches a disk or
// a network. The cases are data: a new evasion is a row in testdata/paths.json
// or testdata/urls.json. All functions are pure and safe for concurrent use.
package canon
