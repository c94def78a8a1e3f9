// Package mirror makes the copies: it decides which requests are copied, sends each copy to its
// target over connections of its own, and pairs the answer with live's.
//
// Everything happens on the event loop that carries the live request, after the live work of a
// turn. [Mirror.Offer] returns at once, and what it can't take it counts:
//
//	proxy ─Offer─► decide ─► queue ─► worker ─► target
//	                  │        │         │         │
//	               unmatched  dropped   failed   answer ─► pair ─► analysers
//
// A worker is a coroutine with one connection and one request in flight on it, so that a target's
// latency means something. A copy is attempted once. What the copy needs of the live exchange lies
// in the mirror memory; when that is spent, copies are dropped.
//
// What a mirror redacts never leaves: a worker redacts the head of a copy before anything is made of it,
// and its body when that is all here, in pieces between which it lets others have the loop. What it can't
// redact it drops. The pair bears the rules, for those who show and keep it.
//
// Copies give way to the requests that they are copies of: each lets live go first for a moment. A
// target gets few at a time until it has answered some, and pauses when it fails, at first of
// milliseconds, later of a second: else every refused connection would cost the loop more than a
// healthy answer.
package mirror
