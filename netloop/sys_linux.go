//go:build !tain_portable

package netloop

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The raw calls never wait (MSG_DONTWAIT), so the scheduler need not hear of them.

func recv(fd int32, p []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

func send(fd int32, p []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// iovecs is what sendmsg reads. It lies on the heap: a goroutine's stack may move.
type iovecs struct {
	vec [16]unix.Iovec
	n   int
	msg unix.Msghdr
}

// add makes p the next piece to send. It reports false when there is room for no more.
func (v *iovecs) add(p []byte) bool {
	if v.n == len(v.vec) {
		return false
	}
	v.vec[v.n].Base = unsafe.SliceData(p)
	v.vec[v.n].SetLen(len(p))
	v.n++
	return true
}

// send sends the pieces that were added, and forgets them.
func (v *iovecs) send(fd int32) (int, unix.Errno) {
	v.msg.Iov = &v.vec[0]
	v.msg.SetIovlen(v.n)
	n, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&v.msg)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	clear(v.vec[:v.n])
	v.n = 0
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// socket makes a stream socket that does not block.
func socket(family int) (int, error) {
	return unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
}

// accept takes a connection, as a socket that does not block.
func accept(fd int) (int, unix.Sockaddr, error) {
	return unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
}
