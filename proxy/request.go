package proxy

import (
	"net/netip"
	"unsafe"

	"tain.dev/tain/http1"
	"tain.dev/tain/netloop"
	"tain.dev/tain/route"
	"tain.dev/tain/traffic"
	"tain.dev/tain/upstream"
)

// request is the state of one request under way. It is lent to a handler by its lane and used
// again, so that a request costs no memory.
type request struct {
	lane    *lane
	client  *netloop.Conn
	peer    netip.Addr
	trusted bool // what the peer says of earlier hops counts

	// The request. Once its head was consumed, the slices of in are not valid any more; what is
	// needed later is copied out.
	in       http1.Request
	query    route.Request
	arrival  traffic.Arrival
	at       int64 // when the head was there, on the loop's clock
	method   []byte
	minor    uint8
	keep     bool // the connection can go on with another request, as far as known
	upgrade  bool
	isHead   bool   // the method is HEAD, so that no answer has a body
	whole    int    // bytes of the body that wait in the client's buffer, where all of it does
	head     []byte // what live gets
	common   int    // how much of head is in normal form, see traffic.Arrival
	route    *route.Route
	forward  *forward
	first    int // the backend that was tried first
	exchange *traffic.Exchange

	// The request's body, when it does not come with the head. The uploader is a coroutine.
	inBody    http1.Decoder
	uploading bool
	unread    bool // not all of it was read from the user, and sent to live
	sending   bool // the handler sends from the buffer of live's connection
	uploader  *netloop.Task
	upload    func() // r.pump, bound once
	uploadErr error  // why the user's side of the upload failed
	main      *netloop.Task
	chunk     []byte

	// The answer.
	pool    *upstream.Pool
	up      *netloop.Conn
	out     http1.Response
	outBody http1.Decoder
	answer  []byte
	status  int
	firstAt int64
}

func newRequest(l *lane) *request {
	r := &request{lane: l}
	r.upload = r.pump
	r.query.Header = r.header
	return r
}

func (r *request) routeName() string {
	if r.route == nil {
		return ""
	}
	return r.route.Name
}

// text gives b as a string that is valid as long as b is not changed.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// header is what rules see of the request's fields.
func (r *request) header(name string) (string, bool) {
	value, ok := r.in.Lookup(name)
	if !ok {
		return "", false
	}
	if !r.trusted && r.isMarker(name) {
		return "", false
	}
	if r.in.Count(name) == 1 {
		return text(value), true
	}
	var joined []byte
	for i := range r.in.Fields {
		if f := &r.in.Fields[i]; http1.EqualFold(f.Name, name) {
			if joined != nil {
				joined = append(joined, ", "...)
			}
			joined = append(joined, f.Value...)
		}
	}
	return string(joined), true
}

// handle carries one request, whose head was read, to its end. It returns whether the connection
// goes on.
func (r *request) handle() bool {
	r.isHead = string(r.in.Method) == "HEAD"
	if err := r.check(); err != nil {
		r.refuse(err)
		return false
	}
	r.query.Method, r.query.Host = text(r.in.Method), text(r.in.Authority)
	r.query.Path, r.query.Query = text(r.in.Path), text(r.in.Query)
	r.route, r.forward = r.lane.lookup(&r.query)
	if r.route == nil {
		r.refuse(errNoRoute)
		return false
	}
	if err := r.buildHead(); err != nil {
		r.refuse(err)
		return false
	}
	r.exchange = r.lane.p.offer(r.lane.id, r.route, &r.query, &r.arrival)
	r.takeHead()
	return r.exchangeLive()
}

// check refuses what is well-formed but not for here.
func (r *request) check() error {
	switch limit := r.lane.p.cfg.MaxBody; {
	case string(r.in.Method) == "CONNECT":
		return errConnect
	case limit > 0 && r.in.Body == http1.BodyLength && r.in.Length > limit:
		return errLargeBody
	}
	return nil
}

// hasBody says whether bytes follow the head, or may.
func (r *request) hasBody() bool { return r.in.Body == http1.BodyChunked || r.in.Length > 0 }

// takeHead consumes the head, after copying out what is needed later.
func (r *request) takeHead() {
	c := r.client
	r.method = append(r.method[:0], r.in.Method...)
	r.minor = r.in.Minor
	r.keep = r.in.KeepAlive
	r.inBody.Reset(&r.in.Head)
	r.unread, r.status, r.uploadErr, r.firstAt = false, 0, nil, r.at
	c.Consume(r.in.Size)
	r.whole = -1
	switch {
	case !r.hasBody():
		r.whole = 0
		r.capturedAll()
	case r.in.Body == http1.BodyLength && int64(len(c.Buffered())) >= r.in.Length:
		r.whole = int(r.in.Length)
		r.capture(c.Buffered()[:r.whole])
		r.capturedAll()
	}
}

// capture copies a part of the request's body for whoever wants it.
func (r *request) capture(p []byte) {
	if x := r.exchange; x != nil && len(p) > 0 {
		x.Request.Append(p)
		x.Progress()
	}
}

func (r *request) capturedAll() {
	if x := r.exchange; x != nil {
		x.Request.Trailer = append(x.Request.Trailer, r.inBody.Trailer()...)
		x.Request.Ended = true
		x.Progress()
	}
}

// The faults of a live exchange. The words of reason and these make up Exchange.Fault.
const (
	faultClient = "client"
	faultPanic  = "panic"
	faultLive   = "live"
	faultSwitch = "upgrade"
)

// endExchange tells whoever captured it that the live side is over. fault is "" for a complete
// answer.
func (r *request) endExchange(fault string) {
	x := r.exchange
	if x == nil {
		return
	}
	r.exchange = nil
	now := r.lane.loop.Now()
	x.Status, x.Fault, x.Done = r.status, fault, true
	x.LastByte = nanos(now - r.at)
	x.FirstByte = nanos(r.firstAt - r.at)
	if r.pool != nil {
		x.Upstream = r.pool.Name()
	}
	x.Response.Ended = fault == ""
	x.Progress()
	x.Release()
}
