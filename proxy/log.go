package proxy

import (
	"bytes"

	"tain.dev/tain/accesslog"
	"tain.dev/tain/http1"
	"tain.dev/tain/netloop"
	"tain.dev/tain/route"
)

// access is what a line of the access log needs of a request whose head is consumed. It is empty
// while no log is kept.
type access struct {
	entry      accesslog.Entry
	text       []byte // what the entry's slices point into
	grpcStatus []byte
}

// noteHead copies what the log wants of the request's head.
func (r *request) noteHead() {
	if r.lane.p.access == nil {
		return
	}
	e, in, b := &r.access.entry, &r.in, r.access.text[:0]
	var ends [6]int
	b = append(b, in.Method...)
	ends[0] = len(b)
	b = r.appendTarget(b)
	ends[1] = len(b)
	for i, value := range [...][]byte{in.Authority, r.value("Referer"), r.value("User-Agent"), r.value("X-Request-Id")} {
		b = append(b, value...)
		ends[2+i] = len(b)
	}
	r.access.text = b
	// Appending may have moved the text, so that the slices are made when all of it is there.
	start := 0
	for i, to := range [...]*[]byte{&e.Method, &e.Target, &e.Host, &e.Referer, &e.UserAgent, &e.RequestID} {
		*to = b[start:ends[i]:ends[i]]
		start = ends[i]
	}
}

// noteGRPC takes the status of a call from lines of an answer's head or trailers.
func (r *request) noteGRPC(lines []byte) {
	if !r.grpc || r.lane.p.access == nil {
		return
	}
	for len(lines) > 0 {
		var line []byte
		line, lines = route.CutLine(lines)
		if name, value, _ := bytes.Cut(line, []byte(":")); http1.EqualFold(name, "grpc-status") {
			r.access.grpcStatus = append(r.access.grpcStatus[:0], bytes.TrimSpace(value)...)
			return
		}
	}
}

// writeLog writes the line of a request that has ended, however it ended.
func (r *request) writeLog() {
	log := r.lane.p.access
	if log == nil || r.at == 0 {
		return
	}
	loop, e := r.lane.loop, &r.access.entry
	now := loop.Now()
	e.Time = loop.Unix(r.at)
	e.Client = r.client.conn().Peer()
	e.Proto = r.client.proto()
	e.Status, e.Fault, e.GRPCStatus = r.status, r.fault, r.access.grpcStatus
	e.BytesIn, e.BytesOut = r.received, r.answered
	e.Duration = nanos(now - r.at)
	if r.firstAt > 0 {
		e.FirstByte = nanos(r.firstAt - r.at)
	}
	if r.askedAt > 0 {
		e.UpstreamTime = nanos(now - r.askedAt)
	}
	e.Route, e.Retries, e.Mirrored = r.routeName(), r.retries, r.mirrored
	if r.server != (netloop.Addr{}) {
		e.Backend = r.lane.nameOf(r.server)
	}
	r.noteTLS(e)
	log.Add(r.lane.id, e)
	*e = accesslog.Entry{}
}

// noteTLS tells of the user's connection.
func (r *request) noteTLS(e *accesslog.Entry) {
	state := r.tls
	if state == nil {
		return
	}
	e.TLSVersion, e.TLSCipher, e.SNI = state.Version, state.CipherSuite, state.ServerName
	if len(state.PeerCertificates) > 0 {
		s := r.client.conn().Data.(*session)
		if s.subject == "" {
			s.subject = state.PeerCertificates[0].Subject.String()
		}
		e.ClientSubject = s.subject
	}
}

// maxNames bounds the names that are kept: servers come and go.
const maxNames = 4096

// nameOf is the name of a server, which would cost an allocation each time.
func (l *lane) nameOf(a netloop.Addr) string {
	name, known := l.names[a]
	if !known {
		if len(l.names) >= maxNames {
			clear(l.names)
		}
		name = a.String()
		l.names[a] = name
	}
	return name
}
