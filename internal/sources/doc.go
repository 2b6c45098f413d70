// Package sources reads policy files and signed bundles for whoever puts them in
// force, and remembers in the state directory what a policy was read from.
//
// A bundle stands wherever a file does. Where there are keys to trust its
// signature is checked, and with Reader.Signed nothing else is read at all. What
// was in force can be recalled later, and is then read as strictly as if it lay
// there now.
package sources
