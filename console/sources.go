package console

import (
	"time"

	"tain.dev/tain/control"
	"tain.dev/tain/finding"
	"tain.dev/tain/route"
	"tain.dev/tain/traffic"
)

// Sources are the functions that the console asks. All must be set; all are called from many
// goroutines, and should return at once. What they return is not changed.
type Sources struct {
	// Status is what runs.
	Status func() Status
	// Live counts what users asked and got.
	Live func() Live
	// Books has one account for every target of every mirror, in a stable order. Those of the
	// same mirror and target name are added up.
	Books func() []traffic.Books
	// Latency is that of a target's answers, as Books names it.
	Latency func(mirror, target string) Latency
	// Upstreams are the backends and targets in use, in a stable order.
	Upstreams func() []Upstream
	// Certificates are those of listeners, backends and targets, with the authorities that are
	// trusted, in a stable order.
	Certificates func() []Certificate
	// Table is the table that serves new requests.
	Table func() *route.Table
	// Pairs returns up to limit kept pairs, the newest first.
	Pairs func(limit int) []traffic.Record
	// Findings returns all findings, those that matter most first.
	Findings func() []finding.Finding
	// Control is what operators decided, and what holds for each mirror.
	Control func() control.Report
	// Decide puts a decision into force, see [control.Desk.Decide].
	Decide func(control.Decision) error
}

// Status says what runs.
type Status struct {
	Version  string    `json:"version"`
	Revision string    `json:"revision,omitempty"`
	Started  time.Time `json:"started"`
	Listen   []string  `json:"listen"` // addresses of live traffic
	Loops    int       `json:"loops"`
	// NotReady says why tain should get no new live traffic; "" when it should.
	NotReady string `json:"not_ready,omitempty"`
	Config   Reload `json:"config"`
	Memory   Memory `json:"memory"`
}

// Reload is how the last reading of the configuration went. The start is one too.
type Reload struct {
	OK     bool      `json:"ok"`
	Time   time.Time `json:"time"`
	Errors []string  `json:"errors,omitempty"` // what was wrong, as tain check prints it
}

// Memory is the budget of everything that exists only because of a mirror, in bytes.
type Memory struct {
	Used    int64 `json:"used"`
	Ceiling int64 `json:"ceiling"`
}

// Live counts the live side since the start. The maps belong to the console.
type Live struct {
	Requests map[string]uint64 `json:"requests"` // by class of the answer's status: 1xx to 5xx
	Refused  map[int]uint64    `json:"refused"`  // by the status that tain answered itself
	Errors   map[string]uint64 `json:"errors"`   // what users met in place of live's answer, by reason

	BytesIn     uint64  `json:"bytes_in"`    // received from users
	BytesOut    uint64  `json:"bytes_out"`   // sent to users
	Connections int64   `json:"connections"` // of users, open now
	Latency     Latency `json:"latency"`

	LogWritten uint64 `json:"access_log_written"` // lines
	LogLost    uint64 `json:"access_log_lost"`    // lines, because the log could not be written
}

// Latency sums up how long answers took, from the request to the last byte.
type Latency struct {
	// Below counts, for each of [LatencyBounds], the answers that took no longer.
	Below [len(LatencyBounds)]uint64
	Count uint64 // all answers
	Sum   time.Duration
	// Quantiles of all answers so far.
	P50, P90, P99 time.Duration
}

// LatencyBounds are the upper bounds of the latency histograms in the metrics.
var LatencyBounds = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	1 * time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	1 * time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}
