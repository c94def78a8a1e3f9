package proxy

import (
	"errors"
	"net/http"

	"tain.dev/tain/http1"
	"tain.dev/tain/http2"
	"tain.dev/tain/netloop"
	"tain.dev/tain/upstream"
)

// exchangeLive carries the request to live and the answer back. It returns whether the user's
// connection goes on.
func (r *request) exchangeLive() bool {
	for attempt := 0; ; attempt++ {
		reused, err := r.attempt(attempt)
		if err == nil && !r.retriesStatus() {
			break
		}
		if err != nil && !r.mayRetry(reused, attempt, err) {
			return r.liveFailed(err)
		}
		if err := r.backOff(); err != nil {
			return r.liveFailed(err)
		}
	}
	if r.out.Upgrade {
		return r.tunnel()
	}
	return r.forwardAnswer()
}

// attempt sends the request to a backend and waits for the head of the answer. reused says that
// the connection had been used before.
func (r *request) attempt(n int) (reused bool, err error) {
	if n == 0 {
		r.index = r.forward.choose(r.ask.Token)
	} else {
		r.index = r.forward.next(r.index, r.unreached)
	}
	r.backend = &r.forward.backends[r.index]
	r.pool = r.backend.pool
	r.askedAt = r.lane.loop.Now()
	if r.up, reused, err = r.pool.Take(&r.ask); err != nil {
		r.up = nil
		r.noteServer(err)
		return false, err
	}
	r.server = r.up.Server().Addr
	r.awaitLive(r.tryTimeout())
	if err = r.sendRequest(); err == nil {
		err = r.readAnswerHead()
	}
	if err != nil {
		r.ask.Except = r.up.Server()
		r.dropUpstream(err)
	}
	return reused, err
}

// noteServer tells the log who could not be reached.
func (r *request) noteServer(err error) {
	var dial *netloop.DialError
	var handshake *upstream.HandshakeError
	switch {
	case errors.As(err, &dial):
		r.server = dial.Addr
	case errors.As(err, &handshake):
		r.server = handshake.Addr
	}
}

// dropUpstream ends the attempt: the carrier, and the upload to it.
func (r *request) dropUpstream(err error) {
	r.stopUpload()
	up := r.up
	r.up = nil
	up.Abort(r.outcome(err))
}

// outcome is what a failure says of the server: nothing, where it was the user's.
func (r *request) outcome(err error) upstream.Outcome {
	switch {
	case r.uploadErr != nil, errors.Is(err, netloop.ErrGuard), errors.Is(err, netloop.ErrCanceled), err == errUser:
		return upstream.Ignored
	case errors.Is(err, http2.ErrNoConnect), err == errDeclined:
		return upstream.Ignored
	case r.overdue(err):
		return upstream.Ignored // users must not be able to make servers look ill
	}
	return upstream.OutcomeOf(err)
}

// overdue says that what the user set as the deadline has ended the request. Live knows of it, too, and
// may be the first to act on it: with a reset.
func (r *request) overdue(err error) bool {
	var reset *http2.StreamError
	return r.hasty && r.late() && (errors.Is(err, netloop.ErrTimeout) || errors.As(err, &reset))
}

// sendRequest sends the head, and the body as far as it is here. The rest is left to an uploader.
func (r *request) sendRequest() error {
	if r.whole {
		body, _ := r.client.whole()
		rest := upstream.RestNone
		if r.upgrade && r.pool.Cluster().HTTP2(r.ask.HTTP2) {
			rest = upstream.RestLength // the tunnel is the body
		}
		return r.up.Send(r.liveHead(), body, rest)
	}
	rest := upstream.RestLength
	if r.in.Body == http1.BodyChunked {
		rest = upstream.RestChunked
	}
	if err := r.up.Send(r.liveHead(), nil, rest); err != nil {
		return err
	}
	r.main, r.uploading, r.unread = r.lane.loop.Current(), true, true
	r.uploader = r.lane.loop.Go(r.upload)
	return nil
}

// liveHead is the head for the backend of this attempt.
func (r *request) liveHead() []byte {
	f := r.backend.filters
	if f == nil {
		return r.head
	}
	r.special, _, _ = appendFiltered(r.special[:0], r.head[:r.common], f, &r.route.Match)
	r.special = append(r.special, r.head[r.common:]...)
	return r.special
}

// readAnswerHead waits for the head of the final answer. What comes before it (1xx) goes to the
// user at once.
func (r *request) readAnswerHead() error {
	for {
		if err := r.up.ReadHead(&r.out, r.method); err != nil {
			return r.blame(err)
		}
		switch {
		case r.out.Upgrade && !r.upgrade:
			return errUnasked
		case r.declined():
			return errDeclined
		case r.out.Upgrade || r.out.Status >= 200:
			r.firstAt = r.lane.loop.Now()
			return nil
		}
		if r.client.interim() != nil {
			return netloop.ErrGuard
		}
	}
}

// declined says that live has answered in the old protocol to a user who would take any success for
// the switch: an extended CONNECT of HTTP/2 has no other word for it.
func (r *request) declined() bool {
	return r.h2.stream != nil && r.in.Upgrade && r.out.Status/100 == 2
}

// blame returns the failure of the upload instead of what followed from it.
func (r *request) blame(err error) error {
	if r.uploadErr != nil {
		return r.uploadErr
	}
	return err
}

var (
	errUnasked  = &http1.Error{Status: http.StatusBadGateway, Code: "unasked_upgrade", Reason: "the backend switched protocols unasked"}
	errDeclined = errors.New("the backend did not switch protocols, which over HTTP/2 can't be told by an answer of 2xx")
)

// liveFailed ends a request to which live gave no answer.
func (r *request) liveFailed(err error) bool {
	why, status, text := r.explain(err)
	r.noteFault(why, err)
	r.leaveBudget()
	if why.fault() == faultLive {
		r.watched(0)
	}
	r.endExchange(why.fault())
	if status == 0 {
		r.lane.classes[0].Add(1)
		r.client.leave()
		return false
	}
	r.fail(status, text)
	return false
}

// explain turns what happened between tain and live into what the user is told; 0 is nothing.
func (r *request) explain(err error) (why reason, status int, text string) {
	var bad *http1.Error
	var dial *netloop.DialError
	var handshake *upstream.HandshakeError
	switch {
	case r.uploadErr != nil && errors.As(r.uploadErr, &bad):
		return reasonRefused, bad.Status, bad.Reason
	case r.uploadErr != nil, errors.Is(err, netloop.ErrGuard), errors.Is(err, netloop.ErrCanceled), r.client.gone():
		return reasonClient, 0, ""
	case errors.Is(err, upstream.ErrBusy):
		return reasonBusy, http.StatusServiceUnavailable, "the backend has as much to do as it may"
	case err == errDeclined, errors.Is(err, http2.ErrNoConnect):
		return reasonUpgrade, http.StatusBadGateway, "the backend does not switch protocols"
	case errors.As(err, &handshake):
		return reasonBackendTLS, http.StatusBadGateway, "the backend can't be trusted, or does not speak TLS"
	case errors.Is(err, upstream.ErrUnresolved):
		return reasonUnresolved, http.StatusServiceUnavailable, "the backend has no address"
	case errors.As(err, &dial) && errors.Is(err, netloop.ErrTimeout):
		return reasonConnect, http.StatusGatewayTimeout, "the backend can't be reached in time"
	case errors.As(err, &dial):
		return reasonConnect, http.StatusBadGateway, "the backend can't be reached"
	case errors.Is(err, netloop.ErrTimeout), r.overdue(err):
		return reasonTimeout, http.StatusGatewayTimeout, "the backend did not answer in time"
	case errors.As(err, &bad), errors.Is(err, netloop.ErrFull), errors.Is(err, http2.ErrLargeHead):
		return reasonMalformed, http.StatusBadGateway, "the backend's answer is malformed"
	}
	return reasonReset, http.StatusBadGateway, "the backend closed the connection without an answer"
}

func (r reason) fault() string {
	if r == reasonClient || r == reasonRefused {
		return faultClient
	}
	return faultLive
}
