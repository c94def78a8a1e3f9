package main

import (
	"fmt"
	"slices"

	"github.com/spf13/pflag"

	"tain.dev/tain/config"
)

// takeCertificates gives listeners that speak TLS all certificates; the first one they have. Each has
// its key in a file of its own, or all have it beside them.
func takeCertificates(listen []config.Listener, certs, keys []string) error {
	switch {
	case slices.Contains(certs, ""):
		return nil // refused already, see emptyFiles
	case len(certs) > 0 && len(keys) > 0 && len(keys) != len(certs):
		return &config.Error{Setting: "--tls-key", Text: fmt.Sprintf("has %s for %s; use it once for each --tls-cert, in the same order, or not at all where each file holds both",
			count(len(keys), "key"), count(len(certs), "certificate"))}
	}
	for i := range listen {
		for j := 1; j < len(certs); j++ {
			pair := config.Certificate{Cert: certs[j]}
			if len(keys) > 0 {
				pair.Key = keys[j]
			}
			listen[i].TLS.Certificates = append(listen[i].TLS.Certificates, pair)
		}
	}
	return nil
}

func firstOf(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// emptyFiles refuses names of files that are empty. They come from variables that a shell does not
// know, and without a certificate users would be served in the clear.
func emptyFiles(f *pflag.FlagSet) (errs []error) {
	for _, name := range fileFlags {
		given := []string{f.Lookup(name).Value.String()}
		if list, ok := f.Lookup(name).Value.(pflag.SliceValue); ok {
			given = list.GetSlice()
		}
		if f.Changed(name) && slices.Contains(given, "") {
			errs = append(errs, &config.Error{Setting: "--" + name, Text: "is empty; name a file, or leave the flag out"})
		}
	}
	return errs
}
