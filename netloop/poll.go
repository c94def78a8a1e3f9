package netloop

import (
	"time"

	"golang.org/x/sys/unix"
)

// The poller of a loop is epoll on Linux (poll_linux.go, sys_linux.go), and poll(2) elsewhere
// (portable.go). What both have in common is here.

// wake ends a wait, now or the next one.
func (p *poller) wake() {
	one := [8]byte{1}
	unix.Write(p.wakefds()[1], one[:])
}

func (p *poller) drain() {
	var b [64]byte
	unix.Read(p.wakefd, b[:])
}

// milliseconds rounds up, so that nothing is waited for in many short waits.
func milliseconds(wait time.Duration) int {
	return int((wait + time.Millisecond - 1) / time.Millisecond)
}
