// Package faulty is a set of HTTP/1.1 targets that misbehave in one known way each. The fault
// tests and the benchmark mirror to them and check that the live side does not notice.
//
// A mode is a name, followed by a colon and a pause where the mode has one: "drip", "slow:250ms".
// [Modes] lists them. A server in mode "ok" takes tens of thousands of requests per second on one
// core, so that it can stand for a healthy target too.
package faulty
