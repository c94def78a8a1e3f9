package proxy

import (
	"crypto/tls"
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
	client  client // h1 or h2
	h1      h1Client
	h2      h2Client
	peer    netip.Addr
	trusted bool // what the peer says of earlier hops counts
	secure  bool // the user speaks TLS
	tls     *tls.ConnectionState
	source  netip.Addr // of the user, once somebody asked for it; see user

	// The request. Once its head was consumed, the slices of in are not valid any more; what is
	// needed later is copied out.
	in        http1.Request
	query     route.Request
	arrival   traffic.Arrival
	at        int64 // when the head was there, on the loop's clock
	until     int64 // when the exchange is to be over, on the loop's clock; 0 is never
	hasty     bool  // it is the user who wants that (grpc-timeout)
	method    []byte
	upgrade   bool
	grpc      bool
	isHead    bool   // the method is HEAD, so that no answer has a body
	whole     bool   // all of the body waits in the client's buffer
	wholeSize int    // its size
	measured  bool   // the length of the body was not told, and is known
	head      []byte // what live gets
	common    int    // how much of head is in normal form, see traffic.Arrival
	route     *route.Route
	forward   *forward
	backend   *backend
	index     int     // of the backend
	unreached uint64  // the backends, by index, that are known to be out of reach; of the first 64
	skipped   int     // how often an attempt did not reach one
	bound     binding // where the route keeps sessions
	origin    []byte  // value of Origin, where the route looks at it
	special   []byte  // head, with the changes for one backend
	exchange  *traffic.Exchange

	// The request's body, when it does not come with the head. The uploader is a coroutine.
	uploading bool
	unread    bool // not all of it was read from the user, and sent to live
	sending   bool // the handler sends from the buffer of live's connection
	uploader  *netloop.Task
	upload    func() // r.pump, bound once
	uploadErr error  // why the user's side of the upload failed
	main      *netloop.Task

	// The answer.
	pool    *upstream.Pool
	ask     upstream.Ask
	up      upstream.Carrier
	out     http1.Response
	answer  []byte
	fields  []byte // of an answer of tain's own, and elsewhere while lines are edited
	body    []byte // of one
	status  int
	askedAt int64 // when the last attempt began
	firstAt int64
	retries int
	pause   netloop.Timer
	budget  *upstream.Cluster // whose retry budget this attempt is in

	// What the access log tells besides.
	access             access
	received, answered int64 // bytes of the bodies
	fault              string
	server             netloop.Addr
	mirrored           bool
}

func newRequest(l *lane) *request {
	r := &request{lane: l}
	r.h1.r, r.h2.r = r, r
	r.upload = r.pump
	r.query.Header, r.query.Client = r.header, r.user
	return r
}

func (r *request) routeName() string {
	if r.route == nil {
		return ""
	}
	return r.route.Name
}

// begin forgets the request before.
func (r *request) begin() {
	r.isHead, r.measured, r.grpc, r.upgrade, r.hasty = false, false, false, false, false
	r.whole, r.wholeSize, r.unread, r.sending, r.uploadErr = false, 0, false, false, nil
	r.at, r.until, r.askedAt, r.firstAt = 0, 0, 0, 0
	r.status, r.retries, r.received, r.answered = 0, 0, 0, 0
	r.fault, r.server, r.route, r.mirrored = "", netloop.Addr{}, nil, false
	r.source = netip.Addr{}
	r.forward, r.backend, r.pool, r.unreached, r.skipped = nil, nil, nil, 0, 0
	r.access.grpcStatus = r.access.grpcStatus[:0]
}

// text gives b as a string that is valid as long as b is not changed.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// header is what rules see of the request's fields.
func (r *request) header(name string) (string, bool) {
	if !r.trusted && r.isMarker(name) {
		return "", false
	}
	value, ok := r.joined(name)
	if ok && !r.trusted && http1.EqualFold(name, baggage) && hasMark([]byte(value)) {
		left := appendWithoutMark(nil, []byte(value))
		return string(left), len(left) > 0
	}
	return value, ok
}

// joined is the value of a field, of several the values with commas between.
func (r *request) joined(name string) (string, bool) {
	value, ok := r.in.Lookup(name)
	if !ok {
		return "", false
	}
	if r.in.Count(name) == 1 {
		return text(value), true
	}
	separator := ", "
	if http1.EqualFold(name, "Cookie") {
		separator = "; "
	}
	var joined []byte
	for i := range r.in.Fields {
		if f := &r.in.Fields[i]; http1.EqualFold(f.Name, name) {
			if joined != nil {
				joined = append(joined, separator...)
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
	r.readGRPC()
	r.noteHead()
	if limit := r.lane.p.cfg.MaxRequests; limit > 0 {
		defer r.lane.p.running.Add(-1)
		if r.lane.p.running.Add(1) > int64(limit) {
			r.refuse(errOverload)
			return false
		}
	}
	return r.carryOut()
}

func (r *request) carryOut() bool {
	if err := r.check(); err != nil {
		r.refuse(err)
		return false
	}
	r.query.Scheme, r.query.Method, r.query.Host = r.scheme(), text(r.in.Method), text(r.in.Authority)
	r.query.Path, r.query.Query = text(r.in.Path), text(r.in.Query)
	r.query.Length = r.length()
	r.route, r.forward = r.lane.lookup(&r.query)
	if r.route == nil {
		r.refuse(errNoRoute)
		return false
	}
	if answered, goesOn := r.respond(); answered {
		return goesOn
	}
	if err := r.buildHead(); err != nil {
		r.refuse(err)
		return false
	}
	r.readAsk()
	r.exchange = r.lane.p.offer(r.lane.id, r.route, &r.query, &r.arrival)
	r.mirrored = r.exchange != nil
	r.takeHead()
	return r.exchangeLive()
}

// check refuses what is well-formed but not for here.
func (r *request) check() error {
	cfg := &r.lane.p.cfg
	switch {
	case string(r.in.Method) == "CONNECT":
		return errConnect
	case r.targetSize() > cfg.MaxURI:
		return errLongURI
	case len(r.in.Fields) > cfg.MaxFields:
		return errManyFields
	case cfg.MaxBody > 0 && r.in.Body == http1.BodyLength && r.in.Length > cfg.MaxBody:
		return errLargeBody
	}
	return nil
}

// hasBody says whether bytes follow the head, or may.
func (r *request) hasBody() bool { return r.in.Body == http1.BodyChunked || r.in.Length > 0 }

// takeHead consumes the head, after copying out what is needed later.
func (r *request) takeHead() {
	r.method = append(r.method[:0], r.in.Method...)
	r.firstAt = r.at
	r.client.takeHead()
	var body []byte
	if r.hasBody() {
		body, r.whole = r.client.whole()
	} else {
		r.whole = true
	}
	if r.wholeSize = len(body); r.whole {
		r.capture(body)
		r.capturedAll()
	}
}

// capture copies a part of the request's body for whoever wants it.
func (r *request) capture(p []byte) {
	r.received += int64(len(p))
	if x := r.exchange; x != nil && len(p) > 0 {
		x.Request.Append(p)
		x.Progress()
	}
}

func (r *request) capturedAll() {
	if x := r.exchange; x != nil {
		x.Request.Trailer = append(x.Request.Trailer, r.client.trailer()...)
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
	defer x.Release() // also where whoever captured it panics
	x.Progress()
}
