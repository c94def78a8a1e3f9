package main

import (
	"fmt"
	"strings"
	"testing"

	"tain.dev/tain/config"
)

// TestTakeCertificates pairs the flags in their order, on every listener.
func TestTakeCertificates(t *testing.T) {
	f := func(certs, keys, want string) {
		t.Helper()
		c, k := strings.Fields(certs), strings.Fields(keys)
		quick := config.Quick{Live: "http://a", To: []string{"http://b"}, Listen: []string{":1", ":2"}, TLSCert: firstOf(c), TLSKey: firstOf(k)}
		cfg, errs := quick.Config()
		if err := takeCertificates(cfg.Listen, c, k); err != nil {
			errs = append(errs, err)
		}
		if errs = append(errs, cfg.Validate()...); len(errs) > 0 {
			t.Fatal(errs)
		}
		for _, l := range cfg.Listen {
			if got := fmt.Sprint(l.TLS.Certificates); got != want {
				t.Errorf("certificates %q and keys %q: %s has %s, want %s", certs, keys, l.Address, got, want)
			}
		}
	}
	f("a.pem", "a.key", "[{a.pem a.key}]")
	f("a.pem", "", "[{a.pem a.pem}]")
	f("a.pem b.pem c.pem", "a.key b.key c.key", "[{a.pem a.key} {b.pem b.key} {c.pem c.key}]")
	f("a.pem b.pem", "", "[{a.pem a.pem} {b.pem b.pem}]")
}
