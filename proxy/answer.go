package proxy

import (
	"errors"
	"time"

	"tain.dev/tain/netloop"
)

// headTimeout is how long live may take until the head of its answer.
func (r *request) headTimeout() time.Duration {
	if r.route.Timeout > 0 {
		return r.route.Timeout
	}
	return r.idleTimeout(r.lane.p.cfg.ResponseTimeout)
}

// idleTimeout is how long one side may be silent in the middle: d, but for gRPC, whose streams may be
// silent for any time and have deadlines of their own.
func (r *request) idleTimeout(d time.Duration) time.Duration {
	if r.grpc {
		return 0
	}
	return d
}

// awaitLive bounds the waits for live by d, and by the deadline of the exchange.
func (r *request) awaitLive(d time.Duration) {
	if r.until > 0 {
		left := max(nanos(r.until-r.lane.loop.Now()), 1)
		if d == 0 || left < d {
			d = left
		}
	}
	r.up.SetDeadline(d)
}

// late says that the deadline of the exchange has passed.
func (r *request) late() bool { return r.until > 0 && r.lane.loop.Now() >= r.until }

// forwardAnswer sends the answer, whose head was read, to the user. It returns whether the user's
// connection goes on.
func (r *request) forwardAnswer() bool {
	r.status = r.out.Status
	r.lane.classes[min(r.status/100, 5)].Add(1)
	r.watched(r.status)
	r.answer = r.out.AppendHead(r.answer[:0])
	if r.exchange != nil {
		r.exchange.Response.SetHead(r.answer)
	}
	r.noteGRPC(r.answer) // where the head is all there is
	r.editAnswer()
	r.client.begin()
	r.up.StartBody(&r.out)
	return r.finish(r.forwardBody())
}

// editAnswer makes of live's head the one that the user gets.
func (r *request) editAnswer() {
	if r.route.Filters == nil && r.backend.filters == nil && r.route.Session == nil {
		return
	}
	r.special = r.appendAnswer(r.special[:0], r.answer)
	r.answer, r.special = r.special, r.answer
}

// forwardBody sends the body as it comes.
func (r *request) forwardBody() error {
	for {
		data, n, done, err := r.up.Body()
		if err != nil {
			return err
		}
		if done {
			return r.sendEnd(data, n)
		}
		if err := r.sendPart(data, false, nil); err != nil {
			return err
		}
		r.up.Consume(n)
		if r.uploadErr != nil {
			return r.uploadErr
		}
		if r.late() {
			return netloop.ErrTimeout // a slow user must not make it endless
		}
		if n > 0 {
			continue
		}
		if err := r.moreAnswer(); err != nil {
			return err
		}
	}
}

// errUser says that the user does not take the answer.
var errUser = errors.New("the user went away")

func (r *request) sendPart(data []byte, done bool, trailer []byte) error {
	r.sending = true
	err := r.client.part(data, done, trailer)
	r.sending = false
	if err != nil {
		return errUser
	}
	r.answered += int64(len(data))
	if x := r.exchange; x != nil && len(data) > 0 {
		x.Response.Append(data)
	}
	return nil
}

// sendEnd sends the rest of the body, which takes n bytes of live's.
func (r *request) sendEnd(data []byte, n int) error {
	trailer := r.up.Trailer()
	if len(trailer) > 0 && r.exchange != nil {
		r.exchange.Response.Trailer = append(r.exchange.Response.Trailer, trailer...)
	}
	r.noteGRPC(trailer)
	if r.client.stalls(len(data)) && !r.uploading && len(data)+len(trailer) <= netloop.BufferSize {
		data, trailer = r.letLiveGo(data, trailer, n)
	}
	if err := r.sendPart(data, true, trailer); err != nil {
		return err
	}
	if r.up != nil {
		r.up.Consume(n)
	}
	return r.uploadErr
}

// letLiveGo gives live's connection back before the user has taken the answer, so that users who take
// none, over many streams, don't hold a connection with each. It returns copies of what is to be sent.
func (r *request) letLiveGo(data, trailer []byte, n int) (dataKept, trailerKept []byte) {
	r.body = append(append(r.body[:0], data...), trailer...)
	r.up.Consume(n)
	r.up.Release()
	r.up = nil
	return r.body[:len(data)], r.body[len(data):]
}

func (r *request) moreAnswer() error {
	if r.client.flush() != nil {
		return errUser
	}
	r.awaitLive(r.idleTimeout(r.lane.p.cfg.ResponseTimeout))
	if err := r.up.Fill(); err != nil {
		return r.blame(err)
	}
	return nil
}

// finish ends an exchange whose answer began. Where it broke off, the user must see that.
func (r *request) finish(err error) bool {
	r.stopUpload()
	r.leaveBudget()
	up := r.up
	r.up = nil
	if err != nil {
		if up != nil {
			up.Abort(r.outcome(err))
		}
		why := reasonClient
		if !errors.Is(err, errUser) {
			why, _, _ = r.explain(err)
		}
		r.noteFault(why, err)
		r.endExchange(why.fault())
		r.client.abort()
		return false
	}
	if up != nil {
		up.Release()
	}
	r.lane.latency.Add(nanos(r.lane.loop.Now() - r.at))
	r.endExchange("")
	return r.client.finish()
}
