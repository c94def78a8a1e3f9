// Package test runs the built tain as its users do: a real nginx as live, a misbehaving target of
// [tain.dev/tain/test/faulty] as mirror, and curl, wrk and raw sockets as clients. It knows tain
// by its command line, its metrics and its answers alone.
//
// The tests need nginx, wrk and curl. Without them they are skipped, unless CI is set in the
// environment: then they fail.
package test
