// Package accesslog writes a line for each live request, and never makes a request wait for it.
package accesslog

import (
	"context"
	"errors"
	"net/netip"
	"time"
)

// Entry is one request, as far as it is known. What is not known is zero. Slices are only read during
// [Log.Add]. There is no field for what authenticates a user, such as Authorization or a cookie.
type Entry struct {
	Time   int64          // when the head of the request was read, nanoseconds since 1970
	Client netip.AddrPort // who asked; zero on a Unix socket
	User   []byte         // name of the user, if tain knows it

	Method, Target, Host []byte // as received
	Proto                string // HTTP/1.0, HTTP/1.1 or HTTP/2.0
	Referer, UserAgent   []byte
	RequestID            []byte

	Status            int
	BytesIn, BytesOut int64         // of the bodies of request and answer, as on the wire
	Duration          time.Duration // from Time to the last byte of the answer
	FirstByte         time.Duration // from Time to the first byte of the answer
	UpstreamTime      time.Duration // from the last attempt's start to the end of the backend's answer
	GRPCStatus        []byte        // value of grpc-status

	Route    string // name of the route
	Backend  string // address that answered, or was asked last
	Retries  int    // attempts after the first
	Mirrored bool   // at least one copy was made
	Fault    string // in one word, why tain answered itself or broke off

	TLSVersion, TLSCipher uint16 // of the user's connection, as in tls.ConnectionState; 0 in the clear
	SNI                   string // the name that the user asked for
	ClientSubject         string // distinguished name of the user's certificate
}

// Config says what to log and where to.
type Config struct {
	Path   string // a file, which is appended to; "-" or "stdout", or "stderr"
	Format string // "combined", "json", or a template
	Lanes  int    // how many loops call Add
	Buffer int    // bytes that wait per lane; 0 is 256 KiB
	// Mask appends a request's target, or a referrer, to dst as it may be kept. It is called on the
	// lanes. Nil keeps them as they are.
	Mask func(dst, target []byte) []byte
	// Warn is told at most once a minute that lines were lost: how many since the last time, and the
	// last error, or nil if the disk was merely too slow. It is called from Run.
	Warn func(lost uint64, err error)
}

// Log is an access log. Make it with [New].
type Log struct{}

// New opens the log.
func New(cfg Config) (*Log, error) { return nil, errors.New("no access log yet") }

// Add logs a request. It is called by one goroutine per lane, from 0 on; it never waits and does not
// allocate. If the lane's buffer is full the line is lost and counted.
func (l *Log) Add(lane int, e *Entry) {}

// Run writes what was added, until ctx ends; then it writes what is left, for two seconds at most,
// and closes the file. It returns nil.
func (l *Log) Run(ctx context.Context) error { return nil }

// Reopen opens the file anew, after something has moved it away. It returns at once.
func (l *Log) Reopen() {}

// Lost returns how many lines could not be written.
func (l *Log) Lost() uint64 { return 0 }

// Written returns how many lines were written.
func (l *Log) Written() uint64 { return 0 }
