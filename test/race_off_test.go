//go:build !race

package test

// buildFlags of the tested program.
var buildFlags []string
