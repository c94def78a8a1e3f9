//go:build !linux

package analyze

// lowerPriority does nothing: only Linux keeps a priority per thread.
func lowerPriority() {}
