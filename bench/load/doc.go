// Package load sends HTTP/1.1 requests at a constant rate and measures each answer from the
// moment at which its request was meant to be sent.
//
// A client that waits for an answer before it sends the next request measures little of a stall:
// it sends nothing meanwhile. Here the schedule goes on. A request that found no free connection
// counts from its place in the schedule, and so does one that never got an answer.
//
// One goroutine serves all connections with raw system calls, so that the generator costs less
// than what it measures. It needs Linux.
package load
