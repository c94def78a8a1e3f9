// Package config says what a person wrote, with defaults, checked as a whole before anything uses
// it. A [Config] comes from a file or a folder of files ([Load]) or from the flags of the quick
// start ([Quick]); whoever holds one without errors needs to check nothing again.
package config

import (
	"net/netip"
	"os"
	"runtime"
	"time"

	"tain.dev/tain/route"
)

// Config is everything that can be set. Stages take their own part of it. The json tags are the names
// in a file.
type Config struct {
	Listen    []Listener    `json:"listen"` // where live traffic arrives
	Admin     string        `json:"admin"`  // address of the admin API; "" is none
	Health    string        `json:"health"` // address that serves only health and metrics; "" is none
	Pprof     bool          `json:"pprof"`  // profiles on the admin API
	Loops     int           `json:"loops"`  // event loops, at least 1
	Drain     time.Duration `json:"drain"`  // how long running requests may take when tain stops
	Proxy     Proxy         `json:"proxy"`
	Mirror    Mirror        `json:"mirror"`
	Data      Data          `json:"data"`
	Mask      []string      `json:"mask"` // names of headers, query parameters and JSON fields that are masked in every pair
	Log       Log           `json:"log"`
	AccessLog AccessLog     `json:"accessLog"`
	Table     *route.Table  `json:"-"` // never nil
	Warnings  []error       `json:"-"` // what is right, but of no use, such as a route that is never reached; each an [*Error]
}

// Proxy is how live traffic is served. Sizes are in bytes.
type Proxy struct {
	HandshakeTimeout   time.Duration  `json:"handshakeTimeout"`          // of TLS with a user
	HeadTimeout        time.Duration  `json:"headTimeout"`               // until the head of a request is there
	BodyTimeout        time.Duration  `json:"bodyTimeout"`               // between two reads of a request's body
	IdleTimeout        time.Duration  `json:"idleTimeout"`               // of a connection between two requests, on both sides
	ConnectTimeout     time.Duration  `json:"connectTimeout"`            // to a backend
	ResponseTimeout    time.Duration  `json:"responseTimeout"`           // until the head of the answer, and between two reads of its body
	WriteTimeout       time.Duration  `json:"writeTimeout"`              // until the user takes some bytes of the answer
	MaxHead            int            `json:"maxHead" unit:"bytes"`      // of a request or an answer
	MaxURI             int            `json:"maxURI" unit:"bytes"`       // of a request's target
	MaxFields          int            `json:"maxFields"`                 // of a head
	MaxBody            int64          `json:"maxBody" unit:"bytes"`      // of a request; 0 is no limit
	MinBodyRate        int64          `json:"minBodyRate" unit:"bytes"`  // of a request's body per second, on average once it has taken 10 s; 0 is no limit
	MaxConns           int            `json:"maxConns"`                  // connections of users at a time; 0 is as many as there are descriptors
	MaxConnsPerClient  int            `json:"maxConnsPerClient"`         // from one address at a time; 0 is no limit
	MaxRequests        int            `json:"maxRequests"`               // running at a time; 0 is no limit
	MaxRequestsPerConn int            `json:"maxRequestsPerConn"`        // before a user's connection is closed; 0 is no limit
	MaxStreams         int            `json:"maxStreams"`                // of HTTP/2, that a user may have open at a time on a connection
	StreamWindow       int            `json:"streamWindow" unit:"bytes"` // of HTTP/2: what waits of one body
	ConnWindow         int            `json:"connWindow" unit:"bytes"`   // of HTTP/2: what waits of all bodies of a connection
	Forwarded          string         `json:"forwarded"`                 // X-Forwarded-* and Forwarded: append, replace or off
	Via                string         `json:"via"`                       // pseudonym in Via, by which loops are found; "" is none
	TrustedPeers       []netip.Prefix `json:"trustedPeers"`
	IdlePerBackend     int            `json:"idlePerBackend"` // connections kept idle, per backend and loop
}

// Values of [Proxy.Forwarded].
const (
	ForwardedAppend  = "append"  // after what the user sent
	ForwardedReplace = "replace" // instead of what the user sent
	ForwardedOff     = "off"     // untouched
)

// Mirror is how copies are made. Sizes are in bytes.
type Mirror struct {
	Memory       int64         `json:"memory" unit:"bytes"`      // ceiling for queued and running copies, captured answers, and pairs that wait
	Marker       string        `json:"marker"`                   // header that copies bear
	Instance     string        `json:"instance"`                 // who made the copy, in the marker's value
	Queue        int           `json:"queue"`                    // copies that wait, per target
	Connections  int           `json:"connections"`              // open connections, per target
	QueueTimeout time.Duration `json:"queueTimeout"`             // how long a copy may wait
	MaxAnswer    int           `json:"maxAnswer" unit:"bytes"`   // captured of an answer's body, live or mirror; the rest is only counted and hashed
	DrainAnswer  int64         `json:"drainAnswer" unit:"bytes"` // read of a target's answer at all before it is cut
	PseudonymKey string        `json:"pseudonymKey" unit:"path"` // file with the key of the pseudonyms of all mirrors that name none
}

// Data is what is kept on disk.
type Data struct {
	Dir      string `json:"dir"` // "" is the default place, off keeps nothing
	MaxBytes int64  `json:"maxBytes" unit:"bytes"`
}

// Log is how tain logs.
type Log struct {
	Level  string `json:"level"`  // debug, info, warn or error
	Format string `json:"format"` // text, json, or auto: text on a terminal, else json
}

// AccessLog is a line for each live request.
type AccessLog struct {
	Path     string `json:"path" unit:"path"` // a file, [Stdout] or [Stderr]; "" is no access log
	Format   string `json:"format"`           // combined, json or template
	Template string `json:"template"`         // of the format template: text with variables such as $status
}

// Values of [AccessLog.Path] that are no files.
const (
	Stdout = "stdout"
	Stderr = "stderr"
)

// Values of [AccessLog.Format].
const (
	FormatCombined = "combined"
	FormatJSON     = "json"
	FormatTemplate = "template"
)

// Defaults is the configuration of someone who wrote nothing. It has an empty table.
func Defaults() Config {
	table, _ := route.New(nil)
	return Config{
		Listen: Listeners(":8080"),
		Admin:  "127.0.0.1:9780",
		Loops:  runtime.NumCPU(),
		Drain:  30 * time.Second,
		Proxy: Proxy{
			HandshakeTimeout: 10 * time.Second,
			HeadTimeout:      10 * time.Second,
			BodyTimeout:      60 * time.Second,
			IdleTimeout:      75 * time.Second,
			ConnectTimeout:   3 * time.Second,
			ResponseTimeout:  60 * time.Second,
			WriteTimeout:     60 * time.Second,
			MaxHead:          64 << 10,
			MaxURI:           8 << 10,
			MaxFields:        256,
			MaxStreams:       128,
			StreamWindow:     256 << 10,
			ConnWindow:       1 << 20,
			Forwarded:        ForwardedAppend,
			Via:              "tain",
			IdlePerBackend:   64,
		},
		Mirror: Mirror{
			Memory:       64 << 20,
			Marker:       "X-Tain-Mirror",
			Instance:     hostName(),
			Queue:        1024,
			Connections:  256,
			QueueTimeout: time.Second,
			MaxAnswer:    256 << 10,
			DrainAnswer:  4 << 20,
		},
		Data:      Data{MaxBytes: 256 << 20},
		Log:       Log{Level: "info", Format: "auto"},
		AccessLog: AccessLog{Format: FormatCombined},
		Table:     table,
	}
}

func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "tain"
	}
	return name
}
