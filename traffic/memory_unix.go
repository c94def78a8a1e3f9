package traffic

import "golang.org/x/sys/unix"

// mapSlab maps n bytes of zeroed memory that the garbage collector neither counts nor scans.
func mapSlab(n int) ([]byte, error) {
	slab, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err == nil {
		adviseHuge(slab)
	}
	return slab, err
}
