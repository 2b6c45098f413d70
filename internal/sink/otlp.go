package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/custos-zt/custos/internal/config"
	"github.com/custos-zt/custos/internal/post"
)

// otlpClient speaks OTLP over HTTP, in protobuf, without the SDK: a sink has its
// own batches, cursor and retries, and the SDK's exporters would keep records in
// memory and drop them.
type otlpClient struct {
	endpoint string
	headers  http.Header
	client   *http.Client
	version  string
	resource []attribute
}

func newOTLPClient(c *config.OTLP, env *Env) (*otlpClient, error) {
	conf, err := post.TLS(c.TLS, "", env.Getenv)
	if err != nil {
		return nil, err
	}
	o := &otlpClient{endpoint: c.Endpoint, headers: http.Header{}, client: post.NewClient(conf), version: env.Version}
	for _, h := range c.Headers {
		value, err := h.Value.Resolve(env.Getenv)
		if err != nil {
			return nil, fmt.Errorf("header %s: %w", h.Name, err)
		}
		if strings.ContainsAny(value, "\r\n\x00") {
			return nil, fmt.Errorf("header %s: %s holds a line break", h.Name, h.Value)
		}
		o.headers.Set(h.Name, value)
	}
	o.resource = []attribute{
		{name: attrServiceName, text: "custos"}, {name: attrServiceVer, text: env.Version}, {name: attrInstance, text: env.Instance},
	}
	return o, nil
}

// request is the body of a request of any signal: they differ in what items
// writes into field 2 of the scope.
func (o *otlpClient) request(items func(scope *message)) []byte {
	var m message
	m.nest(1, func(ofResource *message) {
		ofResource.nest(1, func(resource *message) { resource.attributes(1, o.resource) })
		ofResource.nest(2, func(ofScope *message) {
			ofScope.nest(1, func(scope *message) {
				scope.text(1, scopeName)
				scope.text(2, o.version)
			})
			items(ofScope)
		})
	})
	return m
}

// otlpError is an answer that is no success.
type otlpError struct{ status int }

func (e *otlpError) Error() string {
	return fmt.Sprintf("the collector answers %d %s", e.status, http.StatusText(e.status))
}

// final reports whether sending the same again cannot help: the collector
// understood who asks, and refuses what is asked. What configuration can heal
// (401, 403, 404) is tried again, though the specification would drop it.
func (e *otlpError) final() bool {
	return e.status == http.StatusBadRequest || e.status == http.StatusUnprocessableEntity || e.status == http.StatusUnsupportedMediaType
}

// send posts one request. rejected is how many of its items the collector took
// for good and threw away.
func (o *otlpClient) send(ctx context.Context, signal string, body []byte) (rejected uint64, why string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.endpoint+"/v1/"+signal, bytes.NewReader(body))
	if err != nil {
		return 0, "", post.WithoutURL(err)
	}
	req.Header = o.headers.Clone()
	req.Header.Set("Content-Type", "application/x-protobuf")
	status, answer, err := post.Exchange(o.client, req, o.version)
	switch {
	case err != nil:
		return 0, "", err
	case status/100 != 2:
		return 0, "", &otlpError{status}
	}
	rejected, why = partialSuccess(answer)
	return rejected, why, nil
}

// deliver sends a batch, in halves where the collector calls it too large.
func (o *otlpClient) deliver(ctx context.Context, signal string, batch []Event, encode func([]Event) []byte) error {
	rejected, why, err := o.send(ctx, signal, encode(batch))
	var refused *otlpError
	switch {
	case errors.As(err, &refused) && refused.status == http.StatusRequestEntityTooLarge && len(batch) > 1:
		half := len(batch) / 2
		return joinDrops(o.deliver(ctx, signal, batch[:half], encode),
			func() error { return o.deliver(ctx, signal, batch[half:], encode) })
	case errors.As(err, &refused) && (refused.final() || refused.status == http.StatusRequestEntityTooLarge):
		return &DropError{uint64(len(batch)), refused}
	case err != nil:
		return err
	case rejected > 0:
		return &DropError{min(rejected, uint64(len(batch))), fmt.Errorf("the collector rejected them: %.200q", why)}
	}
	return nil
}

func (o *otlpClient) close() { o.client.CloseIdleConnections() }

// partialSuccess reads an answer of any signal: field 1 is the partial success,
// and in it field 1 counts what was rejected and field 2 says why.
func partialSuccess(answer []byte) (rejected uint64, why string) {
	fields(answer, func(n protowire.Number, value []byte, _ uint64) {
		if n != 1 {
			return
		}
		fields(value, func(n protowire.Number, value []byte, count uint64) {
			if n == 1 {
				rejected = count
			}
			if n == 2 {
				why = string(value)
			}
		})
	})
	return rejected, why
}

// fields calls yield for every field of a message until it is broken.
func fields(b []byte, yield func(n protowire.Number, value []byte, count uint64)) {
	for len(b) > 0 {
		n, typ, size := protowire.ConsumeTag(b)
		if size < 0 {
			return
		}
		b = b[size:]
		var value []byte
		var count uint64
		switch typ {
		case protowire.BytesType:
			value, size = protowire.ConsumeBytes(b)
		case protowire.VarintType:
			count, size = protowire.ConsumeVarint(b)
		default:
			size = protowire.ConsumeFieldValue(n, typ, b)
		}
		if size < 0 {
			return
		}
		yield(n, value, count)
		b = b[size:]
	}
}
