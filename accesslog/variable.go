package accesslog

import (
	"bytes"
	"crypto/tls"
	"strconv"
	"time"
)

// kind says what a value is made of.
type kind uint8

const (
	text   kind = iota // bytes from outside, which have to be escaped
	word               // ASCII that needs no escaping, of at most shortest bytes
	number             // the same, and a number or boolean of JSON
)

// shortest is more than any word or number takes: an IPv6 address with a zone, say.
const shortest = 128

// variable is something that can be logged.
type variable struct {
	name     string // in templates, without the $
	key      string // in json
	optional bool   // has no key while there is nothing to say
	kind     kind
	zero     string // what stands for an unknown value, if it is something special
	put      appender
}

// An appender appends a value to dst, or nothing if it is not known.
type appender func(dst []byte, e *Entry, l *line) []byte

// variables are in the order of json.
var variables = []variable{
	{key: "time", kind: word, put: appendUTC},
	{name: "remote_addr", key: "client", kind: word, zero: "unix:", put: appendAddr},
	{name: "remote_port", key: "client_port", kind: number, put: counter(func(e *Entry) int { return int(e.Client.Port()) })},
	{name: "request_method", key: "method", kind: text, put: bytesOf(func(e *Entry) []byte { return e.Method })},
	{name: "request_uri", key: "target", kind: text, put: masked(func(e *Entry) []byte { return e.Target })},
	{name: "host", key: "host", kind: text, put: bytesOf(func(e *Entry) []byte { return e.Host })},
	{name: "server_protocol", key: "protocol", kind: word, put: stringOf(func(e *Entry) string { return e.Proto })},
	{name: "status", key: "status", kind: number, zero: "000", put: counter(func(e *Entry) int { return e.Status })},
	{name: "body_bytes_received", key: "bytes_in", kind: number, put: size(func(e *Entry) int64 { return e.BytesIn })},
	{name: "body_bytes_sent", key: "bytes_out", kind: number, put: size(func(e *Entry) int64 { return e.BytesOut })},
	{name: "request_time", key: "duration", kind: number, zero: "0.000000", put: seconds(func(e *Entry) time.Duration { return e.Duration })},
	{name: "mirrored", key: "mirrored", kind: number, put: appendMirrored},

	{name: "remote_user", key: "user", optional: true, kind: text, put: bytesOf(func(e *Entry) []byte { return e.User })},
	{name: "route", key: "route", optional: true, kind: text, put: stringOf(func(e *Entry) string { return e.Route })},
	{name: "upstream_addr", key: "backend", optional: true, kind: text, put: stringOf(func(e *Entry) string { return e.Backend })},
	{name: "first_byte_time", key: "first_byte", optional: true, kind: number, put: seconds(func(e *Entry) time.Duration { return e.FirstByte })},
	{name: "upstream_response_time", key: "upstream_time", optional: true, kind: number, put: seconds(func(e *Entry) time.Duration { return e.UpstreamTime })},
	{name: "retries", key: "retries", optional: true, kind: number, zero: "0", put: counter(func(e *Entry) int { return e.Retries })},
	{name: "fault", key: "fault", optional: true, kind: text, put: stringOf(func(e *Entry) string { return e.Fault })},
	{name: "http_referer", key: "referer", optional: true, kind: text, put: masked(func(e *Entry) []byte { return e.Referer })},
	{name: "http_user_agent", key: "user_agent", optional: true, kind: text, put: bytesOf(func(e *Entry) []byte { return e.UserAgent })},
	{name: "request_id", key: "request_id", optional: true, kind: text, put: bytesOf(func(e *Entry) []byte { return e.RequestID })},
	{name: "grpc_status", key: "grpc_status", optional: true, kind: text, put: bytesOf(func(e *Entry) []byte { return e.GRPCStatus })},
	{name: "ssl_protocol", key: "tls_version", optional: true, kind: word, put: stringOf(func(e *Entry) string { return nameOf(e.TLSVersion, tlsVersions) })},
	{name: "ssl_cipher", key: "tls_cipher", optional: true, kind: word, put: stringOf(func(e *Entry) string { return nameOf(e.TLSCipher, tlsCiphers) })},
	{name: "ssl_server_name", key: "sni", optional: true, kind: text, put: stringOf(func(e *Entry) string { return e.SNI })},
	{name: "ssl_client_s_dn", key: "client_subject", optional: true, kind: text, put: stringOf(func(e *Entry) string { return e.ClientSubject })},

	{name: "time_local", kind: word, put: appendLocal},
	{name: "time_iso8601", kind: word, put: appendZoned},
	{name: "msec", kind: number, put: appendEpoch},
	{name: "request", kind: text, put: appendRequest},
	{name: "path", kind: text, put: masked(func(e *Entry) []byte { path, _, _ := bytes.Cut(e.Target, question); return path })},
	{name: "args", kind: text, put: masked(func(e *Entry) []byte { _, args, _ := bytes.Cut(e.Target, question); return args })},
}

var (
	question = []byte("?")

	tlsVersions = map[uint16]string{tls.VersionTLS12: "TLSv1.2", tls.VersionTLS13: "TLSv1.3"}
	tlsCiphers  = map[uint16]string{}
)

func init() {
	for _, suite := range tls.CipherSuites() {
		tlsCiphers[suite.ID] = suite.Name
	}
}

// nameOf looks up what most entries do not have.
func nameOf(id uint16, names map[uint16]string) string {
	if id == 0 {
		return ""
	}
	return names[id]
}

func bytesOf(get func(*Entry) []byte) appender {
	return func(dst []byte, e *Entry, _ *line) []byte { return append(dst, get(e)...) }
}

func stringOf(get func(*Entry) string) appender {
	return func(dst []byte, e *Entry, _ *line) []byte { return append(dst, get(e)...) }
}

// masked appends a target, or a part of one, as it may be kept.
func masked(get func(*Entry) []byte) appender {
	return func(dst []byte, e *Entry, l *line) []byte { return l.appendMasked(dst, get(e)) }
}

func (l *line) appendMasked(dst, target []byte) []byte {
	if l.mask == nil || len(target) == 0 {
		return append(dst, target...)
	}
	return l.mask(dst, target)
}

// size is a number of which 0 is a value like any other.
func size(get func(*Entry) int64) appender {
	return func(dst []byte, e *Entry, _ *line) []byte { return strconv.AppendInt(dst, get(e), 10) }
}

// counter is a number of which 0 means that it is not known.
func counter(get func(*Entry) int) appender {
	return func(dst []byte, e *Entry, _ *line) []byte {
		n := get(e)
		if n <= 0 {
			return dst
		}
		return strconv.AppendInt(dst, int64(n), 10)
	}
}

// seconds is a duration with six decimals, of which 0 means that it is not known.
func seconds(get func(*Entry) time.Duration) appender {
	return func(dst []byte, e *Entry, _ *line) []byte {
		d := get(e)
		if d <= 0 {
			return dst
		}
		us := d.Microseconds()
		return appendDecimals(strconv.AppendInt(dst, us/1e6, 10), us%1e6, 6)
	}
}

// appendDecimals appends a point and n, which has that many digits.
func appendDecimals(dst []byte, n int64, digits int) []byte {
	dst = append(dst, ".000000"[:1+digits]...)
	for i := len(dst) - 1; n > 0; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
	return dst
}

func appendAddr(dst []byte, e *Entry, _ *line) []byte { return e.Client.Addr().Unmap().AppendTo(dst) }

func appendMirrored(dst []byte, e *Entry, _ *line) []byte { return strconv.AppendBool(dst, e.Mirrored) }

// appendRequest appends the request line, if there was one.
func appendRequest(dst []byte, e *Entry, l *line) []byte {
	if len(e.Method) == 0 {
		return dst
	}
	dst = append(append(dst, e.Method...), ' ')
	dst = l.appendMasked(dst, e.Target)
	if e.Proto == "" {
		return dst
	}
	return append(append(dst, ' '), e.Proto...)
}

// appendUTC appends the time as RFC 3339 has it, with milliseconds.
func appendUTC(dst []byte, e *Entry, l *line) []byte {
	dst = l.utc.append(dst, e.Time, "2006-01-02T15:04:05", time.UTC)
	return append(appendDecimals(dst, e.Time%1e9/1e6, 3), 'Z')
}

func appendLocal(dst []byte, e *Entry, l *line) []byte {
	return l.local.append(dst, e.Time, "02/Jan/2006:15:04:05 -0700", time.Local)
}

func appendZoned(dst []byte, e *Entry, l *line) []byte {
	return l.zoned.append(dst, e.Time, "2006-01-02T15:04:05-07:00", time.Local)
}

// appendEpoch appends the seconds since 1970 with three decimals.
func appendEpoch(dst []byte, e *Entry, _ *line) []byte {
	return appendDecimals(strconv.AppendInt(dst, e.Time/1e9, 10), e.Time%1e9/1e6, 3)
}

// stamp keeps the text of the last second, because requests come in bunches.
type stamp struct {
	second int64
	text   []byte
}

func (s *stamp) append(dst []byte, ns int64, layout string, zone *time.Location) []byte {
	if second := ns / 1e9; second != s.second || s.text == nil {
		s.second = second
		s.text = time.Unix(second, 0).In(zone).AppendFormat(s.text[:0], layout)
	}
	return append(dst, s.text...)
}
