package analyze

import "syscall"

// lowerPriority gives the calling thread the lowest ordinary priority. Linux keeps it per thread,
// and asks no privilege for lowering. Without it comparing still works, so an error is no matter.
func lowerPriority() { _ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, 19) }
