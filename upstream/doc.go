// Package upstream keeps connections to backends and targets: a [Resolver] knows their addresses,
// a [Pool] the idle connections of one loop to one of them.
package upstream
