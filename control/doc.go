// Package control keeps what operators decided while tain ran: the kill switch, and what they set for
// single mirrors. Each decision takes effect first, is then kept over a restart, and is written into the
// audit log with who made it and when.
package control
