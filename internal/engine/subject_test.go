package engine

import (
	"errors"
	"os/user"
	"reflect"
	"testing"

	"github.com/custos-zt/custos/access"
)

func TestSubject(t *testing.T) {
	t.Setenv("USER", "root")
	t.Setenv("LOGNAME", "root")
	none := errors.New("no such user")
	for _, tc := range []struct {
		name string
		uid  int
		user *user.User
		err  error
		want access.Subject
	}{
		{"named", 1000, &user.User{Uid: "1000", Username: "dev"}, nil, access.Subject{ID: "dev", Issuer: "os", Known: true}},
		{"not in the list", 54321, nil, none, access.Subject{ID: "uid:54321", Issuer: "os", Known: true}},
		{"without a name", 54321, &user.User{Uid: "54321"}, nil, access.Subject{ID: "uid:54321", Issuer: "os", Known: true}},
		{"no user ids", -1, nil, none, access.Subject{}},
	} {
		got := subject(tc.uid, func(string) (*user.User, error) { return tc.user, tc.err })
		if !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: %+v, want %+v", tc.name, got, tc.want)
		}
	}
	if got := LocalSubject(); !got.Known || got.ID == "" {
		t.Errorf("who runs the test is unknown: %+v", got)
	}
}
