package netloop

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The raw calls never wait (MSG_DONTWAIT, a zero timeout), so the scheduler need not hear of them.

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
	v.vec[0] = unix.Iovec{Base: unsafe.SliceData(p), Len: uint64(len(p))}
	v.vec[1] = unix.Iovec{Base: unsafe.SliceData(q), Len: uint64(len(q))}
	v.msg = unix.Msghdr{Iov: &v.vec[0], Iovlen: 2}
	n, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&v.msg)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	v.vec = [2]unix.Iovec{}
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// pollEpoll fills l.events. A wait that a signal ended is an empty turn.
func pollEpoll(l *Loop, wait time.Duration) (int, error) {
	if wait == 0 {
		n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_WAIT, uintptr(l.epfd), uintptr(unsafe.Pointer(&l.events[0])), eventsPerTurn, 0, 0, 0)
		if errno != 0 && errno != unix.EINTR {
			return 0, errno
		}
		if errno != 0 {
			n = 0
		}
		return int(n), nil
	}
	ms := int((wait + time.Millisecond - 1) / time.Millisecond)
	n, err := unix.EpollWait(l.epfd, l.events[:], ms)
	if err == unix.EINTR {
		return 0, nil
	}
	return n, err
}
