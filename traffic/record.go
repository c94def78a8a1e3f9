package traffic

import "time"

// Record is a pair as it is kept and shown: copied out of the mirror memory, bounded, and with
// secrets masked. It is one line of JSON in a recording, and an example in a finding.
type Record struct {
	ID       uint64    `json:"id"`
	Time     time.Time `json:"time"`
	Route    string    `json:"route"`
	Mirror   string    `json:"mirror"`
	Target   string    `json:"target"`
	Baseline bool      `json:"baseline,omitempty"`
	Client   string    `json:"client,omitempty"`
	// Differs lists what the comparer found, as kind and path: "value items[*].price". Empty:
	// the answers are the same.
	Differs []string `json:"differs,omitempty"`

	Request RecordMessage `json:"request"`
	Live    RecordSide    `json:"live"`
	Answer  RecordSide    `json:"answer"` // what the mirror's target said
}

// RecordSide is one side's answer.
type RecordSide struct {
	Upstream string  `json:"upstream"`
	Status   int     `json:"status"`
	FirstMS  float64 `json:"first_byte_ms"`
	LastMS   float64 `json:"last_byte_ms"`
	// GRPC is the status of an answer of gRPC, whose Status says little: "OK", or the name of the
	// code and its number, such as "NOT_FOUND (5)". Empty for answers that are none.
	GRPC    string        `json:"grpc_status,omitempty"`
	Message RecordMessage `json:"message"`
}

// RecordMessage is a message as text. Body is UTF-8 text, or base64 where Base64 is set.
type RecordMessage struct {
	Start     string      `json:"start"`
	Header    [][2]string `json:"header,omitempty"`
	Body      string      `json:"body,omitempty"`
	Base64    bool        `json:"base64,omitempty"`
	BodySize  int64       `json:"body_size"`
	Truncated bool        `json:"truncated,omitempty"`
	// Trailer holds the fields that came behind the body, those that gRPC-Web has in it too.
	Trailer [][2]string `json:"trailer,omitempty"`
}

// Size is about how many bytes of memory the record takes.
func (r *Record) Size() int {
	size := 512
	for _, m := range []*RecordMessage{&r.Request, &r.Live.Message, &r.Answer.Message} {
		size += len(m.Start) + len(m.Body)
		for _, fields := range [][][2]string{m.Header, m.Trailer} {
			for _, f := range fields {
				size += len(f[0]) + len(f[1]) + 48
			}
		}
	}
	return size
}
