package proxy

import (
	"tain.dev/tain/accesslog"
)

// access is what a line of the access log needs of a request whose head is consumed. It is empty
// while no log is kept.
type access struct {
	entry accesslog.Entry
	text  []byte // what the entry's slices point into
}

// noteHead copies what the log wants of the request's head.
func (r *request) noteHead() {
	if r.lane.p.access == nil {
		return
	}
	a, in := &r.access, &r.in
	a.text = a.text[:0]
	// Appending may move the text, so that the slices are made when all of it is there.
	parts := [...]struct {
		to   *[]byte
		from []byte
	}{
		{&a.entry.Method, in.Method}, {&a.entry.Target, in.Path}, {&a.entry.Host, in.Authority},
		{&a.entry.Referer, r.value("Referer")}, {&a.entry.UserAgent, r.value("User-Agent")},
		{&a.entry.RequestID, r.value("X-Request-Id")},
	}
	for _, p := range parts {
		a.text = append(a.text, p.from...)
		if p.to == &a.entry.Target && len(in.Query) > 0 {
			a.text = append(append(a.text, '?'), in.Query...)
		}
	}
	rest := a.text
	for _, p := range parts {
		n := len(p.from)
		if p.to == &a.entry.Target && len(in.Query) > 0 {
			n += 1 + len(in.Query)
		}
		*p.to, rest = rest[:n:n], rest[n:]
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
	e.Status, e.Fault = r.status, r.fault
	e.BytesIn, e.BytesOut = r.received, r.answered
	e.Duration, e.FirstByte = nanos(now-r.at), nanos(r.firstAt-r.at)
	e.UpstreamTime = 0
	if r.askedAt > 0 {
		e.UpstreamTime = nanos(now - r.askedAt)
	}
	e.Route, e.Backend, e.Retries, e.Mirrored = r.routeName(), "", r.retries, r.mirrored
	if r.askedAt > 0 {
		e.Backend = r.server.String()
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
		e.ClientSubject = state.PeerCertificates[0].Subject.String()
	}
}
