package witness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/custos-zt/custos/audit"
)

// Timeout is how long one question to a witness may take.
const Timeout = 5 * time.Second

// Client asks one witness. It is safe for concurrent use.
type Client struct {
	// URL is the submission prefix of the witness, and Key what it signs with.
	URL string
	Key audit.WitnessKey
	// HTTP asks; nil: a client that follows no redirects.
	HTTP *http.Client
}

// Refusal is a witness's no.
type Refusal struct {
	Witness string
	Status  int
	// Size is what the witness has seen of the chain, where it said so.
	Size uint64
	// Changed says that the witness has seen another history: the log was cut,
	// rewound, replaced or forked.
	Changed bool
	Text    string
}

// Error names the witness and what it said.
func (r *Refusal) Error() string { return fmt.Sprintf("witness %s: %s", r.Witness, r.Text) }

// Cosigned is a head with the word of one witness.
type Cosigned struct {
	Head   audit.Checkpoint
	Signed []byte // the checkpoint and the cosignature
	Lines  []byte // the cosignature alone
	At     time.Time
}

// Cosign has the newest head of a chain cosigned. from is the size that the
// witness is known to have seen, 0 where nothing is known; where it has seen a
// larger one it says so and is asked again. A [Refusal] is an error, and so is a
// witness that went back.
func (c *Client) Cosign(ctx context.Context, chain audit.Chain, from uint64) (Cosigned, error) {
	signed, head, err := chain.Head()
	if err != nil {
		return Cosigned{}, err
	}
	if signed == nil {
		return Cosigned{}, errors.New("nothing was signed yet")
	}
	r := request{old: min(from, head.Size), checkpoint: signed}
	for range 3 {
		if r.proof, err = chain.Consistency(r.old, head); err != nil {
			return Cosigned{}, err
		}
		answer, refused, err := c.post(ctx, &r)
		if err != nil {
			return Cosigned{}, err
		}
		if refused == nil {
			return c.accept(head, signed, answer)
		}
		if refused.Status != http.StatusConflict || refused.Changed {
			return Cosigned{}, refused
		}
		if refused.Size > head.Size {
			refused.Changed = true
			refused.Text = fmt.Sprintf("has seen %d records of %s, which ends with record %d", refused.Size, origin(head), head.Size)
			return Cosigned{}, refused
		}
		if refused.Size < from {
			refused.Text = fmt.Sprintf("went back from record %d to record %d: it lost its memory, or it is another one", from, refused.Size)
			return Cosigned{}, refused
		}
		r.old = refused.Size
	}
	return Cosigned{}, fmt.Errorf("witness %s: it names another size each time", c.Key.Name())
}

func origin(head audit.Checkpoint) string { return audit.CheckpointOrigin(head.Instance, head.Slot) }

// accept checks the cosignature that a witness answered with.
func (c *Client) accept(head audit.Checkpoint, signed, answer []byte) (Cosigned, error) {
	whole := append(bytes.Clone(signed), answer...)
	at, ok := c.Key.At(whole)
	if !ok {
		return Cosigned{}, fmt.Errorf("witness %s: the answer is not signed by its key", c.Key.Name())
	}
	lines := c.Key.Lines(whole)
	return Cosigned{Head: head, Signed: append(bytes.Clone(signed), lines...), Lines: lines, At: at}, nil
}

// post sends one request. The answer or the refusal is nil.
func (c *Client) post(ctx context.Context, r *request) ([]byte, *Refusal, error) {
	status, kind, body, err := c.ask(ctx, http.MethodPost, "/add-checkpoint", r.marshal())
	if err != nil {
		return nil, nil, err
	}
	if status == http.StatusOK {
		return body, nil, nil
	}
	no := &Refusal{Witness: c.Key.Name(), Status: status}
	switch status {
	case http.StatusNotFound:
		no.Text = "does not know this instance: enrol it there"
	case http.StatusForbidden:
		no.Text = "does not know the key that signed: after a rotation, enrol the instance again"
	case http.StatusUnprocessableEntity:
		no.Changed, no.Text = true, "the log does not continue what it has seen"
	case http.StatusConflict:
		size, err := parseSize(strings.TrimSuffix(string(body), "\n"))
		if err != nil || kind != sizeType {
			size = r.old // the sizes agree, and the roots do not
		}
		no.Size = size
		if size == r.old {
			no.Changed, no.Text = true, fmt.Sprintf("has seen other records up to %d", size)
		}
	default:
		no.Text = fmt.Sprintf("answered with status %d", status)
	}
	return nil, no, nil
}

// ErrNoHeads marks a witness that does not tell its heads: the protocol does
// not ask it to.
var ErrNoHeads = errors.New("this witness does not list heads")

// Heads returns the heads that the witness has seen of an instance, cosigned as
// they are asked for, as [audit.VerifyOptions].Since. An answer that is older
// than a few minutes is an error: somebody may be repeating it.
func (c *Client) Heads(ctx context.Context, instance string, now time.Time) ([]byte, error) {
	status, _, body, err := c.ask(ctx, http.MethodGet, headsPath+instance, nil)
	switch {
	case err != nil:
		return nil, err
	case status == http.StatusNotFound && strings.HasPrefix(string(body), unknownInstance):
		return nil, &Refusal{Witness: c.Key.Name(), Status: status, Text: "does not know this instance: enrol it there"}
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed:
		return nil, fmt.Errorf("witness %s: %w", c.Key.Name(), ErrNoHeads)
	case status != http.StatusOK:
		return nil, &Refusal{Witness: c.Key.Name(), Status: status, Text: fmt.Sprintf("answered with status %d", status)}
	}
	if len(body) == 0 {
		return nil, &Refusal{Witness: c.Key.Name(), Status: status, Text: "has seen nothing of this instance yet"}
	}
	heads, err := audit.SplitHeads(body)
	if err != nil {
		return nil, fmt.Errorf("witness %s: %w", c.Key.Name(), err)
	}
	for _, signed := range heads {
		at, ok := c.Key.At(signed)
		if !ok {
			return nil, fmt.Errorf("witness %s: a head is not signed by its key", c.Key.Name())
		}
		if err := c.fresh(at, now); err != nil {
			return nil, err
		}
	}
	return body, nil
}

// patience is how far the clocks of a witness and of its reader may be apart.
const patience = 5 * time.Minute

// fresh refuses an answer that somebody kept.
func (c *Client) fresh(at, now time.Time) error {
	if d := now.Sub(at).Abs(); d > patience {
		return fmt.Errorf("witness %s: the answer is %v away from now: a clock is wrong, or it is repeated", c.Key.Name(), d.Round(time.Second))
	}
	return nil
}

// Fresh is Cosign for a reader, who needs to know that the witness answers now.
func (c *Client) Fresh(ctx context.Context, chain audit.Chain, now time.Time) (Cosigned, error) {
	got, err := c.Cosign(ctx, chain, 0)
	if err == nil {
		err = c.fresh(got.At, now)
	}
	return got, err
}

// ask sends one question and reads the answer.
func (c *Client) ask(ctx context.Context, method, path string, body []byte) (status int, kind string, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return 0, "", nil, fmt.Errorf("witness %s: %w", c.Key.Name(), err)
	}
	res, err := c.client().Do(req)
	if err != nil {
		return 0, "", nil, fmt.Errorf("witness %s does not answer: %w", c.Key.Name(), err)
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err == nil && len(answer) > maxAnswer {
		err = errors.New("the answer is too long")
	}
	if err != nil {
		return 0, "", nil, fmt.Errorf("witness %s: %w", c.Key.Name(), err)
	}
	return res.StatusCode, res.Header.Get("Content-Type"), answer, nil
}

// client returns who asks. A redirect could lead anywhere, and is an answer
// like any other.
func (c *Client) client() *http.Client {
	if c.HTTP != nil {
		return c.HTTP
	}
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}
