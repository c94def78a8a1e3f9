// Package finding says what was noticed about pairs, with evidence and severity. Analysers make
// findings, the store keeps them, the report and the console show them.
package finding

import (
	"time"

	"tain.dev/tain/traffic"
)

// Severity orders findings by how much they matter.
type Severity string

// The severities, from the one that matters most.
const (
	High   Severity = "high"
	Medium Severity = "medium"
	Low    Severity = "low"
)

// Kind says what differs.
type Kind string

// The kinds of findings.
const (
	Status     Kind = "status"     // the status codes differ, or in gRPC the statuses of the calls
	Header     Kind = "header"     // a header field is missing, added or different
	Trailer    Kind = "trailer"    // a trailer field is missing, added or different
	Removed    Kind = "removed"    // a JSON field, or an element of an array or repeated field, that live has is missing
	Added      Kind = "added"      // a JSON field, or such an element, that live does not have
	Type       Kind = "type"       // a value of JSON or protobuf has another type
	Value      Kind = "value"      // a value of JSON or protobuf differs
	Order      Kind = "order"      // an array, or a repeated field, holds the same in another order
	Body       Kind = "body"       // bodies, or messages of gRPC, differ as bytes
	Latency    Kind = "latency"    // the medians differ twofold or more
	Unanswered Kind = "unanswered" // live answered, the target did not
)

// Finding is one difference of one target on one endpoint of a route, counted over all pairs.
type Finding struct {
	ID       string `json:"id"` // stable for the same mirror, target, route, endpoint, kind and path
	Mirror   string `json:"mirror"`
	Target   string `json:"target"`
	Route    string `json:"route"`
	Endpoint string `json:"endpoint,omitempty"` // method and path template, such as "GET /orders/{id}"
	Kind     Kind   `json:"kind"`
	// Path is where: a status with the other (200→500), the name of a header or trailer field, a path
	// in JSON such as items[*].price, or one of field numbers in a message of protobuf, such as
	// message[*].3.1.
	Path     string   `json:"path,omitempty"`
	Severity Severity `json:"severity"`
	Text     string   `json:"text"` // one sentence for people

	Count         uint64    `json:"count"` // pairs that show it
	Pairs         uint64    `json:"pairs"` // pairs of the endpoint that were compared
	BaselineCount uint64    `json:"baseline_count"`
	BaselinePairs uint64    `json:"baseline_pairs"`
	Redacted      uint64    `json:"redacted,omitempty"` // pairs of the endpoint that differ in what the mirror redacts, which does not count
	First         time.Time `json:"first"`
	Last          time.Time `json:"last"`

	Example *traffic.Record `json:"example,omitempty"`
}
