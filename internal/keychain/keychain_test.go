package keychain

import (
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/zalando/go-keyring"
)

func TestStore(t *testing.T) {
	keyring.MockInit()
	a, b := Store{Owner: "/a"}, Store{Owner: "/b"}
	if _, err := a.Load("log"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("before it was kept: %v", err)
	}
	if err := a.Save("log", []byte("key")); err != nil {
		t.Fatal(err)
	}
	if got, err := a.Load("log"); err != nil || string(got) != "key" {
		t.Fatalf("%q, %v", got, err)
	}
	if _, err := b.Load("log"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("another directory finds it: %v", err)
	}
	for range 2 {
		if err := a.Remove("log"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMachineWithoutKeychain: the error says what is missing, and nothing of
// the key.
func TestMachineWithoutKeychain(t *testing.T) {
	keyring.MockInitWithError(errors.New("no bus"))
	s := Store{Owner: "/a"}
	if err := s.Save("log", []byte("SECRET")); !errors.Is(err, ErrUnavailable) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("save: %v", err)
	}
	if _, err := s.Load("log"); !errors.Is(err, ErrUnavailable) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("load: %v", err)
	}
	if err := s.Remove("log"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("remove: %v", err)
	}
}

// TestHangingKeychain: nobody waits for ever for a keychain.
func TestHangingKeychain(t *testing.T) {
	s := Store{Wait: time.Millisecond}
	if err := s.ask(func() error { select {} }); !errors.Is(err, ErrUnavailable) {
		t.Fatal(err)
	}
}
