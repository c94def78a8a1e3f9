package traffic

import "golang.org/x/sys/unix"

// adviseHuge asks for large pages: the first use of memory is a fault for each page, in the middle
// of live work. Where there are none, small ones do.
func adviseHuge(slab []byte) { _ = unix.Madvise(slab, unix.MADV_HUGEPAGE) }
