package proxy

import (
	"errors"
	"io"
	"net/http"

	"tain.dev/tain/http1"
	"tain.dev/tain/netloop"
	"tain.dev/tain/upstream"
)

// exchangeLive carries the request to live and the answer back. It returns whether the user's
// connection goes on.
func (r *request) exchangeLive() bool {
	r.lane.loop.Guard(r.client)
	for attempt := 0; ; attempt++ {
		reused, err := r.attempt(attempt)
		if err == nil {
			break
		}
		if !r.mayRetry(reused, attempt, err) {
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
	r.pool = r.forward.pick(n, &r.first)
	if r.up = r.pool.Reuse(); r.up != nil {
		reused = true
	} else if r.up, err = r.pool.Dial(r.lane.p.cfg.ConnectTimeout); err != nil {
		return false, err
	}
	r.up.SetLimit(r.lane.p.cfg.MaxHead)
	r.up.SetDeadline(r.responseTimeout())
	if err = r.sendRequest(); err == nil {
		err = r.readAnswerHead()
	}
	if err != nil {
		r.dropUpstream()
	}
	return reused, err
}

// dropUpstream ends the attempt: the connection, and the upload to it.
func (r *request) dropUpstream() {
	r.stopUpload()
	if r.unread {
		r.up.Abort() // it got a part of a request
	} else {
		r.up.Close()
	}
	r.up = nil
}

// mayRetry says whether another attempt can't do what the failed one may have done already: it
// never reached a backend; or it met a kept connection that the backend was closing, and the
// request is idempotent and still here as a whole.
func (r *request) mayRetry(reused bool, attempt int, err error) bool {
	if r.uploadErr != nil || errors.Is(err, netloop.ErrGuard) {
		return false
	}
	var dial *netloop.DialError
	if errors.As(err, &dial) || errors.Is(err, upstream.ErrUnresolved) {
		return attempt+1 < len(r.forward.backends)
	}
	if !reused || r.whole < 0 || errors.Is(err, netloop.ErrTimeout) {
		return false
	}
	var bad *http1.Error
	return !errors.As(err, &bad) && idempotent(r.method) && attempt < maxStale
}

// maxStale is how many kept connections that turn out to be closed are tolerated for a request.
const maxStale = 3

// idempotent is RFC 9110, section 9.2.2.
func idempotent(method []byte) bool {
	switch string(method) {
	case "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY":
		return true
	}
	return false
}

// sendRequest sends the head, and the body as far as it is here. The rest is left to an uploader.
func (r *request) sendRequest() error {
	if r.whole < 0 {
		if err := r.up.Send(r.head); err != nil {
			return err
		}
		r.main, r.uploading, r.unread = r.lane.loop.Current(), true, true
		r.uploader = r.lane.loop.Go(r.upload)
		return nil
	}
	body := r.client.Buffered()[:r.whole]
	if len(body) <= netloop.MaxCoalesced {
		length := len(r.head)
		r.head = append(r.head, body...)
		err := r.up.Send(r.head)
		r.head = r.head[:length]
		return err
	}
	return r.up.Send2(r.head, body)
}

// readAnswerHead waits for the head of the final answer. What comes before it (1xx) goes to the
// user at once.
func (r *request) readAnswerHead() error {
	scanned := 0
	for {
		n := http1.HeadEnd(r.up.Buffered(), &scanned)
		if n == 0 {
			if err := r.out.Early(r.up.Buffered()); err != nil {
				return err
			}
			if err := r.fillUpstream(); err != nil {
				return err
			}
			continue
		}
		if err := r.out.Parse(r.up.Buffered()[:n], r.method); err != nil {
			return err
		}
		if r.out.Status >= 200 || r.out.Upgrade && r.upgrade {
			r.firstAt = r.lane.loop.Now()
			return nil
		}
		if r.out.Upgrade {
			return errUnasked
		}
		if r.minor > 0 {
			if err := r.sendInterim(); err != nil {
				return netloop.ErrGuard
			}
		}
		r.up.Consume(n)
	}
}

func (r *request) sendInterim() error {
	r.answer = append(r.out.AppendHead(r.answer[:0]), "\r\n"...)
	r.client.SetDeadline(r.lane.p.cfg.WriteTimeout)
	return r.client.Send(r.answer)
}

var errUnasked = &http1.Error{Status: http.StatusBadGateway, Code: "unasked_upgrade", Reason: "the backend switched protocols unasked"}

// fillUpstream waits for more of the answer. An upload that failed on the user's side ends it.
func (r *request) fillUpstream() error {
	err := r.up.Fill()
	switch {
	case err == nil:
		return nil
	case r.uploadErr != nil:
		return r.uploadErr
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	}
	return err
}

// liveFailed ends a request to which live gave no answer.
func (r *request) liveFailed(err error) bool {
	why, status, text := r.explain(err)
	r.lane.note(why, r.routeName(), err)
	r.endExchange(why.fault())
	if status == 0 {
		r.lane.classes[0].Add(1)
		r.client.Close()
		return false
	}
	r.fail(status, text)
	return false
}

// explain turns what happened between tain and live into what the user is told; 0 is nothing.
func (r *request) explain(err error) (why reason, status int, text string) {
	var bad *http1.Error
	var dial *netloop.DialError
	switch {
	case r.uploadErr != nil && errors.As(r.uploadErr, &bad):
		return reasonRefused, bad.Status, bad.Reason
	case r.uploadErr != nil, errors.Is(err, netloop.ErrGuard), r.client.Closed():
		return reasonClient, 0, ""
	case errors.Is(err, upstream.ErrUnresolved):
		return reasonUnresolved, http.StatusServiceUnavailable, "the backend has no address"
	case errors.As(err, &dial) && errors.Is(err, netloop.ErrTimeout):
		return reasonConnect, http.StatusGatewayTimeout, "the backend can't be reached in time"
	case errors.As(err, &dial):
		return reasonConnect, http.StatusBadGateway, "the backend can't be reached"
	case errors.Is(err, netloop.ErrTimeout):
		return reasonTimeout, http.StatusGatewayTimeout, "the backend did not answer in time"
	case errors.As(err, &bad), errors.Is(err, netloop.ErrFull):
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
