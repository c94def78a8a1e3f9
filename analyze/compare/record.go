package compare

import (
	"bytes"
	"encoding/base64"
	"time"
	"unicode/utf8"

	"tain.dev/tain/redact"
	"tain.dev/tain/traffic"
)

// maxRecordBody bounds, in bytes, each body in a record.
const maxRecordBody = 16 << 10

// buildRecord returns the record of the pair at hand, and builds it at most once.
func (c *Comparer) buildRecord() *traffic.Record {
	if c.record != nil {
		return c.record
	}
	p := c.pair
	r := &traffic.Record{
		ID: p.Live.ID, Time: time.Unix(0, p.Live.Start).UTC(), Route: p.Live.Route,
		Mirror: p.Policy, Target: p.Target, Baseline: p.Baseline,
		Request: c.message(&c.request),
		Live:    c.recordSide(p.Live, &c.live),
		Answer:  c.recordSide(p.Mirror, &c.mirror),
	}
	if p.Live.Client.IsValid() {
		r.Client = p.Live.Client.String()
	}
	for _, d := range c.labels {
		r.Differs = append(r.Differs, d.label)
	}
	c.record = r
	return r
}

func (c *Comparer) recordSide(x *traffic.Exchange, answer *reader) traffic.RecordSide {
	side := traffic.RecordSide{
		Upstream: x.Upstream, Status: x.Status,
		FirstMS: milliseconds(x.FirstByte), LastMS: milliseconds(x.LastByte),
		Message: c.message(answer),
	}
	if answer.grpc && answer.code != cutCode {
		side.GRPC = answer.code.String()
	}
	return side
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}

// message copies a message out of the mirror memory, without secrets. A compressed body is kept
// unpacked, because a secret could not be seen in it otherwise.
func (c *Comparer) message(m *reader) traffic.RecordMessage {
	mask := c.cfg.Mask
	r := traffic.RecordMessage{
		Start:    mask.Start(string(c.veil.start(m.start))),
		Header:   c.recordFields(m.lines),
		BodySize: m.Size, Truncated: m.Truncated(),
		Trailer: c.recordFields(m.trailer),
	}
	if m.Captured() == 0 {
		return r
	}
	kind := string(headerValue(m.lines, "Content-Type"))
	body, ok := m.decoder.decode(headerValue(m.lines, "Content-Encoding"), m.Body(&m.bodyBuf))
	switch {
	case ok:
		var whole bool
		body, whole = c.veil.body(nil, kind, body, r.Truncated)
		r.Truncated = r.Truncated || !whole
	case mask.Any() || c.veil.rules != nil && c.veil.rules.Bodies():
		body = []byte(redact.Masked)
	default:
		body = m.Body(&m.bodyBuf)
	}
	if len(body) > maxRecordBody {
		body, r.Truncated = body[:maxRecordBody], true
	}
	r.Body, r.Base64 = text(mask.Body(kind, body), r.Truncated)
	return r
}

// recordFields copies header or trailer lines without secrets. Text is kept as it reads.
func (c *Comparer) recordFields(lines []byte) (all [][2]string) {
	for name, value := range traffic.Lines(lines) {
		if equalFold(name, grpcMessage) {
			value = bytes.ToValidUTF8(unescape(value), []byte("\ufffd"))
		}
		value, kept := c.veil.header(name, value)
		if !kept {
			continue
		}
		all = append(all, [2]string{string(name), c.cfg.Mask.Header(string(name), string(value))})
	}
	return all
}

// text returns a body as UTF-8, or as base64. A rune at the end that was cut through is left out.
func text(body []byte, truncated bool) (string, bool) {
	for i := 0; truncated && i < utf8.UTFMax && !utf8.Valid(body) && len(body) > 0; i++ {
		if r, size := utf8.DecodeLastRune(body); r != utf8.RuneError || size != 1 {
			break
		}
		body = body[:len(body)-1]
	}
	if utf8.Valid(body) {
		return string(body), false
	}
	return base64.StdEncoding.EncodeToString(body), true
}
