package redact

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
)

// A scratch is room for one value that is being redacted.
type scratch struct {
	mac    hash.Hash // nil without a key
	sum    []byte
	text   []byte  // decoded
	places []int32 // see decode
	out    []byte  // what stands in its place
}

func newScratch(key []byte) *scratch {
	sc := &scratch{text: make([]byte, 0, 256), out: make([]byte, 0, 64)}
	if len(key) > 0 {
		sc.mac = hmac.New(sha256.New, key)
	}
	return sc
}

// scratch borrows one; put it back to r.scratches.
func (r *Redactor) scratch() *scratch { return r.scratches.Get().(*scratch) }
