// Package control carries the operations of package admin over HTTP: as JSON, as
// a stream of events from the log, and as one plain page for whoever answers
// held calls.
//
// There are two doors. Each process that holds a slot listens on a unix socket,
// run/NN.sock in the state directory: the file belongs to the user alone, and
// whoever connects is asked of the kernel and must be that user. `custos
// approvals page` listens on an address of this machine alone, for a browser:
// requests need a bearer token that lives in the memory of the process, a Host
// that is this address and, where the browser names one, its Origin. There are
// two tokens. The viewer's reads; the approver's answers too. No cookie is set
// or read, so that no other page can make a browser act.
//
// GET never acts. A request leaves here as ask.View prepares it for people, with
// what agents and servers wrote escaped, and the page puts it in place as text and
// nothing else. A record leaves as the log has it: programs read those.
//
// openapi.json describes the API; the tests hold it against the code.
package control

// PageURL returns the address of the page of one request. base is where the
// page is served, such as "http://127.0.0.1:7444". It holds no token: a link may
// be seen by others, and the page asks for the token where it has none.
func PageURL(base, id string) string { return base + "/approvals/" + id }
