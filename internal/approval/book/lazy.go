package book

import (
	"errors"
	"sync"
)

// Lazy is a book that the first who needs it opens. It is safe for concurrent
// use, and MUST NOT be copied.
type Lazy struct {
	// Open opens the book. It is called again where it failed.
	Open func() (*Book, error)

	mu     sync.Mutex
	book   *Book
	closed bool
}

// ErrClosed says that the process is about to end.
var ErrClosed = errors.New("nobody is asked any more: the program is ending")

// Book returns the open book, and [ErrClosed] after Close.
func (l *Lazy) Book() (*Book, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, ErrClosed
	}
	if l.book == nil {
		b, err := l.Open()
		if err != nil {
			return nil, err
		}
		l.book = b
	}
	return l.book, nil
}

// Close closes the book, if it was opened.
func (l *Lazy) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.book == nil {
		return nil
	}
	b := l.book
	l.book = nil
	return b.Close()
}
