package config

import (
	"net"
	"net/url"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Witness is one entry of audit.witness: who cosigns the heads of the log.
type Witness struct {
	// URL is where it is asked: the submission prefix of C2SP tlog-witness.
	URL string
	// Key is its public key as a verifier key, which `custos audit witness key`
	// prints. What another key signed counts for nothing.
	Key string
}

// keyPlace reads audit.key: file or keychain.
func (d *decoder) keyPlace(n *yaml.Node) (keychain bool) {
	var s string
	if d.text(n, &s); s != "file" && s != "keychain" {
		d.fail(n, "", "audit.key is file or keychain, not %q", s)
	}
	return s == "keychain"
}

// witnesses reads audit.witness.
func (d *decoder) witnesses(n *yaml.Node) []Witness {
	if n.Kind != yaml.SequenceNode {
		d.fail(n, "- {url: https://witness.example, key: …}", "audit.witness is a list")
		return nil
	}
	list := make([]Witness, 0, len(n.Content))
	for _, item := range n.Content {
		if item.Kind == yaml.ScalarNode {
			d.fail(item, "{url: "+item.Value+", key: …}; custos audit witness key prints the key", "a witness needs its key: what nobody checks proves nothing")
			continue
		}
		var w Witness
		d.section(item, "a witness", []field{
			{"url", func(d *decoder, n *yaml.Node) {
				if d.text(n, &w.URL); !witnessURL(w.URL) {
					d.fail(n, "https://witness.example; http reaches this machine alone", "%q is not the address of a witness", w.URL)
				}
			}},
			{"key", func(d *decoder, n *yaml.Node) {
				if d.text(n, &w.Key); strings.Count(w.Key, "+") < 2 {
					d.fail(n, "custos audit witness key prints it", "not the key of a witness")
				}
			}},
		})
		if w.URL == "" || w.Key == "" {
			d.fail(item, "", "a witness has url and key")
		}
		list = append(list, w)
	}
	return list
}

// witnessURL reports whether a witness may be asked at this address. Without
// TLS somebody on the way could keep every head to himself.
func witnessURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	local := host == "localhost" || ip != nil && ip.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && local
}
