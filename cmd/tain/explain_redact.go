package main

import (
	"bytes"
	"strconv"
	"strings"

	"tain.dev/tain/mirror"
	"tain.dev/tain/redact"
	"tain.dev/tain/route"
	"tain.dev/tain/traffic"
)

// redact makes the request that the copy is made of: what the rules of the mirror leave of it. length is
// the field that says how long a redacted body is. It returns false where there is no copy.
func (says *copySays) redact(s *scene, m *route.Mirror, a *arrived) (clean *arrived, length string, ok bool) {
	red, err := mirror.Redactor(&m.Copy.Redact)
	if err != nil && s.remote { // the key is elsewhere
		says.Redaction = linesOf(&route.Mirror{Copy: route.Copy{Redact: m.Copy.Redact}, Timeout: route.DefaultMirrorTimeout, MaxBody: route.DefaultMaxBody})
		return a, "", true
	}
	if err == nil && red != nil {
		a, length, err = redacted(red, a)
	}
	if err != nil {
		says.Reason, says.Why = dropped(traffic.DroppedRedaction), err.Error()
	}
	return a, length, err == nil
}

// digests are the fields that another body makes wrong.
var digests = map[string]bool{"digest": true, "content-digest": true, "content-md5": true, "repr-digest": true}

func redacted(red *redact.Redactor, a *arrived) (clean *arrived, length string, err error) {
	head, err := red.Head(nil, a.Head)
	if err != nil {
		return nil, "", err
	}
	kind, _ := a.HeaderValue("Content-Type")
	encoding, _ := a.HeaderValue("Content-Encoding")
	needed := false
	if len(a.body) > 0 {
		needed, err = red.Body(kind, encoding)
	}
	if needed {
		var stream redact.Stream
		stream.Begin(red, kind)
		var body []byte
		if body, err = stream.Write(nil, a.body); err == nil {
			body, err = stream.End(body)
		}
		altered := stream.Redacted() > 0
		head = route.AppendWithout(nil, head, func(name []byte) bool {
			return bytes.EqualFold(name, []byte("Content-Length")) || altered && digests[strings.ToLower(string(name))]
		})
		length = "Content-Length: " + strconv.Itoa(len(body)) + "\r\n"
	}
	arrival := *a.Arrival
	arrival.Head, arrival.LineEnd = head, bytes.IndexByte(head, '\n')+1
	arrival.HostEnd = arrival.LineEnd + bytes.IndexByte(head[arrival.LineEnd:], '\n') + 1
	return &arrived{Request: a.Request, Arrival: &arrival}, length, err
}
