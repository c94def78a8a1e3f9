// Package pace decides how much a target gets. [Rate] and [Volume] keep what an operator has set,
// [Breaker] leaves alone a target that fails, [Gradient] finds out how many copies at a time a
// target bears, and [Strain] makes copies give way when live itself shows strain.
//
// None of them reads a clock: every time is an int64 of nanoseconds on one monotonic clock, zero or
// more, and is passed in. So all of them are tested by simulation. The methods that a request passes
// take atomics alone, allocate nothing, and may be called from several loops at once; their clocks
// may differ by a few milliseconds.
package pace
