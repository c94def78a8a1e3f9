//go:build !race

package pace

const brief = false
