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
	vec [2]unix.Iovec
	msg unix.Msghdr
}

func (v *iovecs) send(fd int32, p, q []byte) (int, unix.Errno) {
	v.vec[0] = unix.Iovec{Base: unsafe.SliceData(p)}
	v.vec[1] = unix.Iovec{Base: unsafe.SliceData(q)}
	v.vec[0].SetLen(len(p))
	v.vec[1].SetLen(len(q))
	v.msg = unix.Msghdr{Iov: &v.vec[0]}
	v.msg.SetIovlen(2)
	n, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&v.msg)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	v.vec = [2]unix.Iovec{}
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// socket makes a TCP socket that does not block.
func socket(family int) (int, error) {
	return unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
}

// accept takes a connection, as a socket that does not block.
func accept(fd int) (int, unix.Sockaddr, error) {
	return unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
}
