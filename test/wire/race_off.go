//go:build !race

package wire

// buildFlags of the tested program.
var buildFlags []string
