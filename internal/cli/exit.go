package cli

// Exit is the status of an invocation. `run` returns the status of the
// guarded server instead, unless Custos itself has something to say.
type Exit int

// The exit statuses of architecture.md §7.
const (
	ExitOK           Exit = 0
	ExitFailure      Exit = 1
	ExitUsage        Exit = 2
	ExitPolicy       Exit = 3
	ExitPolicyTests  Exit = 4
	ExitDenied       Exit = 5
	ExitTimedOut     Exit = 6
	ExitEvidence     Exit = 10
	ExitConfig       Exit = 16
	ExitCannotVerify Exit = 17
)

// Error is an error with its exit status and what to do about it. An empty
// text was already printed.
type Error struct {
	Code Exit
	Text string
	Hint string // lines; the corrected command where it can be computed
	Err  error
}

// Error returns the text.
func (e *Error) Error() string { return e.Text }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func usage(text, hint string) error { return &Error{Code: ExitUsage, Text: text, Hint: hint} }

func failure(err error, hint string) error {
	return &Error{Code: ExitFailure, Text: err.Error(), Hint: hint, Err: err}
}

// status is a bare exit status: everything was said.
func status(code Exit) error { return &Error{Code: code} }
