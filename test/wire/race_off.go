//go:build !race

package wire

// Race says that the race detector is on.
const Race = false

// buildFlags of the tested program.
var buildFlags []string
