package config

import (
	"net"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// Listen says where Custos listens.
type Listen struct {
	// Admin is the address of the approval page and of the API behind it, of this
	// machine alone: see [LoopbackAddress].
	Admin string
}

// defaultAdmin is where the approval page is unless something else is said.
const defaultAdmin = "127.0.0.1:7444"

func (d *decoder) listen(n *yaml.Node, l *Listen) {
	d.section(n, "listen", []field{
		{"admin", func(d *decoder, n *yaml.Node) {
			if d.text(n, &l.Admin); !LoopbackAddress(l.Admin) {
				d.fail(n, "for example "+defaultAdmin, "listen.admin is an address of this machine with a port, not %q", l.Admin)
			}
		}},
	})
}

// LoopbackAddress reports whether text is an IP address that only this machine
// reaches, with a port: 127.0.0.1:7444 or [::1]:7444. A name is none: somebody
// else says what it means.
func LoopbackAddress(text string) bool {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	ip := net.ParseIP(host)
	return err == nil && strconv.FormatUint(n, 10) == port && ip != nil && ip.IsLoopback()
}
