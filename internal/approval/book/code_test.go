package book

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

// shows is the code that a device shows at the shelf's time.
func (s *shelf) shows(t *testing.T, secret string) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, s.now.Load().Wall)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// enrolled is a book with a device of os:ann.
func enrolled(t *testing.T) (s *shelf, b *Book, secret string) {
	t.Helper()
	s = newShelf(t)
	b = s.open(t)
	secret, uri, err := b.Enrol(t.Context(), "os:ann")
	if err != nil || !strings.HasPrefix(uri, "otpauth://totp/Custos:os:ann?") {
		t.Fatal(uri, err)
	}
	if err := b.TakeCode(t.Context(), "os:ann", s.shows(t, secret)); !errors.Is(err, ErrNoDevice) {
		t.Errorf("a device that nobody confirmed: %v", err)
	}
	if err := b.Confirm(t.Context(), "os:ann", s.shows(t, secret)); err != nil {
		t.Fatal(err)
	}
	return s, b, secret
}

func TestACodeCountsOnce(t *testing.T) {
	s, b, secret := enrolled(t)
	if err := b.TakeCode(t.Context(), "os:ann", s.shows(t, secret)); !errors.Is(err, ErrCode) {
		t.Errorf("the code that confirmed: %v", err)
	}
	s.pass(30 * time.Second)
	code := s.shows(t, secret)
	if err := b.TakeCode(t.Context(), "os:ann", code); err != nil {
		t.Fatal(err)
	}
	if err := s.open(t).TakeCode(t.Context(), "os:ann", code); !errors.Is(err, ErrCode) {
		t.Errorf("twice, in another process: %v", err)
	}
	s.pass(time.Minute)
	late := s.shows(t, secret)
	s.pass(30 * time.Second)
	if err := b.TakeCode(t.Context(), "os:ann", late); err != nil {
		t.Errorf("a device that is slow: %v", err)
	}
	s.pass(time.Minute)
	old := s.shows(t, secret)
	s.pass(90 * time.Second)
	if err := b.TakeCode(t.Context(), "os:ann", old); !errors.Is(err, ErrCode) {
		t.Errorf("an old code: %v", err)
	}
	if err := b.TakeCode(t.Context(), "os:bob", s.shows(t, secret)); !errors.Is(err, ErrNoDevice) {
		t.Errorf("another person: %v", err)
	}
}

func TestWrongCodesLock(t *testing.T) {
	s, b, secret := enrolled(t)
	s.pass(time.Minute)
	for _, wrong := range []string{"", "000000", "12345", "abcdef", "1234567"} {
		if err := b.TakeCode(t.Context(), "os:ann", wrong); !errors.Is(err, ErrCode) {
			t.Fatalf("%q: %v", wrong, err)
		}
	}
	if err := s.open(t).TakeCode(t.Context(), "os:ann", s.shows(t, secret)); !errors.Is(err, ErrLocked) {
		t.Errorf("a right one after five wrong ones: %v", err)
	}
	s.pass(wrongFor)
	if err := b.TakeCode(t.Context(), "os:ann", s.shows(t, secret)); err != nil {
		t.Errorf("later: %v", err)
	}
}

func TestAnotherDevice(t *testing.T) {
	s, b, old := enrolled(t)
	secret, _, err := b.Enrol(t.Context(), "os:ann")
	if err != nil {
		t.Fatal(err)
	}
	s.pass(time.Minute)
	if err := b.TakeCode(t.Context(), "os:ann", s.shows(t, old)); err != nil {
		t.Errorf("the earlier device before the other is confirmed: %v", err)
	}
	if err := b.Confirm(t.Context(), "os:ann", s.shows(t, secret)); err != nil {
		t.Fatal(err)
	}
	s.pass(time.Minute)
	if err := b.TakeCode(t.Context(), "os:ann", s.shows(t, old)); !errors.Is(err, ErrCode) {
		t.Errorf("the earlier device afterwards: %v", err)
	}
	if has, err := b.Enrolled(t.Context(), "os:ann"); !has || err != nil {
		t.Error(has, err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(s.path)
	if err != nil || strings.Contains(string(data), secret) {
		t.Errorf("the secret lies in the file (%v)", err)
	}
}
