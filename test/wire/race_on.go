//go:build race

package wire

// buildFlags make the tested program as sensitive as the test is.
var buildFlags = []string{"-race"}
