package sink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/custos-zt/custos/audit"
	"github.com/custos-zt/custos/internal/config"
	"github.com/custos-zt/custos/internal/post"
)

// Notices returns what tells the channels of approvals about decisions whose
// rules name them under `notify`: one line each. Nothing is opened yet. They
// read the log like every sink, so that no call waits for them and none is
// forgotten.
func Notices(c *config.Approvals, env Env) []Spec {
	var out []Spec
	add := func(channel string, m *config.Message, open func(*config.Message, *Env) (*notices, error)) {
		if m == nil {
			return
		}
		out = append(out, Spec{Name: "notify-" + channel, Open: func(context.Context) (Sink, error) {
			n, err := open(m, &env)
			if err != nil {
				return nil, err
			}
			n.channel, n.now = channel, time.Now
			return n, nil
		}})
	}
	add(config.ChannelWebhook, c.Webhook, openNoticeWebhook)
	add(config.ChannelSlack, c.Slack, openNoticeSlack)
	return out
}

// staleNotice is how old a decision may be that is still told about. Who
// configures a channel is not told of last year.
const staleNotice = time.Hour

// notices tells one channel.
type notices struct {
	to      *post.Poster
	channel string
	// body writes one message, sign its further headers; nil signs nothing.
	body func(*Notice) ([]byte, error)
	key  post.Key
	now  func() time.Time
}

// Notice is what is told about one decision, or about what became of a lease:
// then Decision is its state, such as "requested". Nothing that an agent wrote is in
// it: who wants to know more asks the log for the id.
type Notice struct {
	Instance string `json:"instance"`
	ID       string `json:"id"`
	Decision string `json:"decision"`
	Reason   string `json:"reason"`
	Rule     string `json:"rule,omitempty"`
	Backend  string `json:"backend"`
	Method   string `json:"method"`
	// Tool is "" for what is no call of a tool.
	Tool string    `json:"tool,omitempty"`
	Time time.Time `json:"time"`
	// Command shows the decision on that machine.
	Command string `json:"command"`
}

// Deliver posts one message for each decision that names the channel. What a
// receiver refuses for good is dropped.
func (n *notices) Deliver(ctx context.Context, batch []Event) error {
	var dropped *DropError
	for i := range batch {
		r := &batch[i].Record
		if r.Kind != audit.KindAdmission && r.Kind != audit.KindLease || !slices.Contains(r.Notify, n.channel) || n.now().Sub(r.Time) > staleNotice {
			continue
		}
		err := n.tell(ctx, &batch[i])
		var final *post.FinalError
		switch {
		case errors.As(err, &final) && dropped == nil:
			dropped = &DropError{1, final.Err}
		case errors.As(err, &final):
			dropped.Events++
		case err != nil:
			return err
		}
	}
	if dropped != nil {
		return dropped
	}
	return nil
}

func (n *notices) tell(ctx context.Context, ev *Event) error {
	r := &ev.Record
	told := &Notice{
		Instance: ev.Instance(), ID: r.ID(), Decision: r.Decision.String(), Reason: string(r.Reason), Rule: plainText(r.Rule),
		Backend: plainText(r.Backend), Method: plainText(r.Method), Tool: plainText(r.Tool), Time: r.Time.UTC(), Command: "custos why " + r.ID(),
	}
	if r.Kind == audit.KindLease && r.Approval != nil {
		told.Decision, told.Command = plainText(r.Approval.State), "custos leases list --all"
		if r.Lease == "" { // nobody answered yet
			told.Command = "custos approvals allow " + plainText(r.Approval.ID)
		}
	}
	body, err := n.body(told)
	if err != nil {
		return &post.FinalError{Err: err}
	}
	return n.to.Send(ctx, body, func(h http.Header) {
		if n.key != nil {
			n.key.Sign(h, body, n.now())
		}
	})
}

// Close forgets the connections.
func (n *notices) Close() error {
	n.to.Close()
	return nil
}

func openNoticeWebhook(m *config.Message, env *Env) (*notices, error) {
	secret, err := m.Secret.Resolve(env.Getenv)
	if err != nil {
		return nil, err
	}
	key, err := post.ParseKey(secret)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Secret, err)
	}
	to, err := post.NewPoster(m.URL, m.TLS, env.Version, env.Getenv)
	return &notices{to: to, key: key, body: func(n *Notice) ([]byte, error) {
		return json.Marshal(struct {
			Type      string    `json:"type"`
			Timestamp time.Time `json:"timestamp"`
			Data      *Notice   `json:"data"`
		}{"custos.notice", n.Time, n})
	}}, err
}

func openNoticeSlack(m *config.Message, env *Env) (*notices, error) {
	where, err := m.Where.Resolve(env.Getenv)
	if err != nil {
		return nil, err
	}
	if _, err := config.Receiver(where); err != nil {
		return nil, fmt.Errorf("%s: %w", m.Where, err)
	}
	to, err := post.NewPoster(where, m.TLS, env.Version, env.Getenv)
	return &notices{to: to, body: func(n *Notice) ([]byte, error) {
		what := n.Method
		if n.Tool != "" {
			what = n.Tool
		}
		title := "Custos: " + n.Decision + " (" + n.Reason + ") " + what + " of " + n.Backend
		s := post.NewSlack(title)
		s.Plain(title + "\nrule " + n.Rule + "\n" + n.Time.Format("2006-01-02 15:04:05 UTC"))
		s.Own("Why: `" + n.Command + "`")
		return json.Marshal(s)
	}}, err
}

// plainText is a name whose every character shows itself: a server may have made
// it up.
func plainText(s string) string {
	quoted := strconv.QuoteToASCII(s)
	return quoted[1 : len(quoted)-1]
}
