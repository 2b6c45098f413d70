package engine

import (
	"os"
	"os/user"
	"strconv"

	"github.com/custos-zt/custos/access"
)

// LocalSubject is the user who runs this process: the subject on one machine.
// It is known by the user id of the process; the system's list of users gives
// the name. Nothing is taken from the environment, which an agent can set.
func LocalSubject() access.Subject { return subject(os.Getuid(), user.LookupId) }

// subject names a user id. One that the list does not hold, as in a container
// or where the names are kept elsewhere and the program was built without cgo,
// is itself the name.
func subject(uid int, lookup func(string) (*user.User, error)) access.Subject {
	id := strconv.Itoa(uid)
	if uid < 0 {
		return access.Subject{} // this system has no user ids: unknown, not absent
	}
	if u, err := lookup(id); err == nil && u.Username != "" {
		return access.Subject{ID: u.Username, Issuer: "os", Known: true}
	}
	return access.Subject{ID: "uid:" + id, Issuer: "os", Known: true}
}
