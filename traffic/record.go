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
	Upstream string        `json:"upstream"`
	Status   int           `json:"status"`
	FirstMS  float64       `json:"first_byte_ms"`
	LastMS   float64       `json:"last_byte_ms"`
	Message  RecordMessage `json:"message"`
}

// RecordMessage is a message as text. Body is UTF-8 text, or base64 where Base64 is set.
type RecordMessage struct {
	Start     string      `json:"start"`
	Header    [][2]string `json:"header,omitempty"`
	Body      string      `json:"body,omitempty"`
	Base64    bool        `json:"base64,omitempty"`
	BodySize  int64       `json:"body_size"`
	Truncated bool        `json:"truncated,omitempty"`
}

// Size is about how many bytes of memory the record takes.
func (r *Record) Size() int {
	size := 512
	for _, m := range []*RecordMessage{&r.Request, &r.Live.Message, &r.Answer.Message} {
		size += len(m.Start) + len(m.Body)
		for _, f := range m.Header {
			size += len(f[0]) + len(f[1]) + 48
		}
	}
	return size
}
