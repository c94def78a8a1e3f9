//go:build race

package wire

// Race says that the race detector is on.
const Race = true

// buildFlags make the tested program as sensitive as the test is.
var buildFlags = []string{"-race"}
