// Package traffic says what happened: an [Exchange] is one request with its response, a [Pair]
// is the live exchange and the mirror exchange of the same request, and [Books] count every
// request that a mirror saw and what became of its copy.
//
// Captured bytes lie in a [Memory]: mapped slabs outside the collected heap, with a ceiling that
// never moves. Whoever captures asks for a block and may be refused; nobody waits for one.
package traffic
