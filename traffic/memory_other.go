//go:build !linux

package traffic

func adviseHuge([]byte) {}
