package canon_test

import (
	"fmt"

	"github.com/custos-zt/custos/internal/canon"
)

func ExampleScan() {
	_, err := canon.Scan([]byte(`{"path":"/srv/pub/a","Path":"/etc/shadow"}`), canon.DefaultLimits())
	fmt.Println(err)
	// Output:
	// keys "path" and "Path" differ only in case at byte 21
}

func ExampleReadPath() {
	form := canon.ReadPath("secret/a/%2e%2e/%2e%2e/pub/new")
	for _, reading := range canon.LexicalReadings(form, "/srv") {
		fmt.Println(reading)
	}
	// Output:
	// /srv/secret/a/%2e%2e/%2e%2e/pub/new
	// /srv/pub/new
}

func ExampleReadURL() {
	for _, s := range []string{"https://API.example:443/v1/%2e%2e/x?q", "http://0x7f.1:8080", `http://good.example\@evil.example/`} {
		u, _ := canon.ReadURL(s)
		fmt.Println(u.String(), u.Grantable())
	}
	// Output:
	// https://api.example/x true
	// http://127.0.0.1:8080/ true
	// http://good.example/@evil.example/ false
}
