// Package netloop runs connection handlers as straight-line coroutines on event loops.
//
// A [Loop] is one goroutine on one thread of its own, around one epoll instance, or around poll(2)
// on systems other than Linux, which is correct but slow with many connections. A handler is
// ordinary code that calls [Conn.Fill], [Conn.Consume], [Conn.Send] and [Conn.Close]; where it
// would block, it parks its coroutine, and the loop goes on with others. A coroutine is borrowed
// for as long as a handler runs and a buffer for as long as bytes are there, so that an idle
// connection is one small struct: about 350 bytes, and 7 KiB more with TLS, which are crypto/tls's.
//
// Who may not wait, because many share a connection, calls [Conn.Queue] instead of Send. What all
// of them queue in a turn goes out at its end, in as few system calls, and as few records of TLS, as
// it takes.
//
// [Conn.Secure] makes a connection one of TLS. Handlers do not notice.
//
// Everything here belongs to the loop's goroutine, except where a comment says that it may be
// called from any goroutine. Nothing that runs on a loop may block: no channel, no contended
// lock, no DNS, no disk. The way in from outside is [Loop.Submit].
//
// A turn of the loop is: run the coroutines of live traffic, run some of the low ones
// ([Loop.GoLow], mirrors), send what was queued, poll without waiting, mark what became ready, and
// only then, when nothing is left to do, wait.
//
// Traps that the code minds:
//
//   - The first poll is a raw system call with a zero timeout, the waiting one an ordinary one: a
//     raw call that waits would hold up the garbage collector's stop.
//   - Events are edge-triggered: a read that returned less than it had room for has drained the
//     socket, unless the peer has closed its side, which EPOLLRDHUP tells.
//   - A descriptor's number is used again soon after it is closed: every event carries the
//     generation of its connection, and one of an older generation is dropped.
//   - A coroutine is created and resumed by its loop's goroutine alone, and the loop locks its
//     thread before the first one: the runtime ends the process otherwise.
//   - No coroutine may call runtime.Goexit, or park while it holds a lock. crypto/tls holds locks
//     while it reads and writes, and answers some of what it reads: so its connection never waits,
//     and a peer that asks for answers without reading them is cut.
//   - A signature takes longer than a loop may be away: handshakes have a goroutine each, of which
//     a few compute at a time.
//   - crypto/tls reads ahead no further than the record it is asked for, or an idle connection could
//     hold a request that nothing tells of.
package netloop
