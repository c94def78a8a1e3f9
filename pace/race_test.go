//go:build race

package pace

// brief says that simulations are to be short: under the race detector they take ten times as long.
const brief = true
