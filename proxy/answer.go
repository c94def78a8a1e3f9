package proxy

import (
	"errors"
	"io"
	"time"

	"tain.dev/tain/http1"
	"tain.dev/tain/netloop"
)

// rechunks says that the body goes to the user in chunks: because it came so, or because its end
// would else be told only by closing the connection.
func (r *request) rechunks() bool {
	return r.minor > 0 && (r.out.Body == http1.BodyChunked || r.out.Body == http1.BodyClose)
}

func (r *request) responseTimeout() time.Duration {
	if r.route.Timeout > 0 {
		return r.route.Timeout
	}
	return r.lane.p.cfg.ResponseTimeout
}

// forwardAnswer sends the answer, whose head was read, to the user. It returns whether the user's
// connection goes on.
func (r *request) forwardAnswer() bool {
	r.status = r.out.Status
	r.lane.classes[min(r.status/100, 5)].Add(1)
	if r.unread || r.lane.p.draining.Load() || r.minor == 0 && r.out.Body != http1.BodyLength && r.out.Body != http1.BodyNone {
		r.keep = false
	}
	var common int
	r.answer, common = r.appendAnswerHead(r.answer[:0])
	if r.exchange != nil {
		r.exchange.Response.SetHead(r.answer[:common])
	}
	r.outBody.Reset(&r.out.Head)
	reusable := r.out.KeepAlive
	r.up.Consume(r.out.Size)
	err := r.forwardBody()
	return r.finish(err, reusable)
}

// forwardBody sends r.answer, which holds the head, and then the body as it comes.
func (r *request) forwardBody() error {
	rechunks := r.rechunks()
	for {
		buf := r.up.Buffered()
		data, n, done, err := r.outBody.Next(buf)
		if err != nil {
			return err
		}
		if err := r.sendPart(data, done, rechunks, n < len(buf)); err != nil {
			return errUser
		}
		if x := r.exchange; x != nil && len(data) > 0 {
			x.Response.Append(data)
		}
		r.up.Consume(n)
		if r.uploadErr != nil {
			return r.uploadErr
		}
		if done {
			return nil
		}
		if len(r.up.Buffered()) > 0 && n > 0 {
			continue
		}
		if err := r.moreAnswer(); err != nil {
			if !errors.Is(err, io.ErrUnexpectedEOF) || r.outBody.Close() != nil {
				return err
			}
			return r.endByClose(rechunks)
		}
	}
}

// errUser says that the user does not take the answer.
var errUser = errors.New("the user went away")

// sendPart sends what stands in r.answer and a part of the body, framed if need be. Small parts
// are gathered while more of the same read is to come.
func (r *request) sendPart(data []byte, done, rechunks, more bool) error {
	a := r.answer
	if rechunks {
		a = http1.AppendChunk(a, data)
		if done {
			a = http1.AppendLastChunk(a, r.outBody.Trailer())
		}
		data = nil
	}
	if len(data) <= netloop.MaxCoalesced {
		a = append(a, data...)
		data = nil
	}
	r.answer = a[:0]
	if more && !done && data == nil && len(a) < netloop.MaxCoalesced {
		r.answer = a
		return nil
	}
	if len(a) == 0 && len(data) == 0 {
		return nil
	}
	r.client.SetDeadline(r.lane.p.cfg.WriteTimeout)
	r.sending = true
	err := r.client.Send2(a, data)
	r.sending = false
	return err
}

func (r *request) moreAnswer() error {
	if len(r.answer) > 0 {
		r.client.SetDeadline(r.lane.p.cfg.WriteTimeout)
		err := r.client.Send(r.answer)
		r.answer = r.answer[:0]
		if err != nil {
			return errUser
		}
	}
	r.up.SetDeadline(r.lane.p.cfg.ResponseTimeout)
	return r.fillUpstream()
}

// endByClose ends a body whose end the backend told by closing the connection.
func (r *request) endByClose(rechunks bool) error {
	if !rechunks {
		return nil
	}
	r.answer = http1.AppendLastChunk(r.answer[:0], nil)
	if r.client.Send(r.answer) != nil {
		return errUser
	}
	return nil
}

// finish ends an exchange whose answer began. Where it broke off, the user must see that.
func (r *request) finish(err error, reusable bool) bool {
	r.stopUpload()
	up, c := r.up, r.client
	r.up = nil
	switch {
	case r.unread:
		up.Abort() // it got a part of a request
	case err == nil && reusable:
		r.pool.Put(up)
	default:
		up.Close()
	}
	if err != nil {
		why := reasonClient
		if !errors.Is(err, errUser) {
			why, _, _ = r.explain(err)
		}
		r.lane.note(why, r.routeName(), err)
		r.endExchange(why.fault())
		c.Abort()
		return false
	}
	r.lane.latency.Add(nanos(r.lane.loop.Now() - r.at))
	r.endExchange("")
	if r.whole > 0 {
		c.Consume(r.whole)
	}
	switch {
	case r.keep:
		return true
	case r.unread:
		r.linger()
	default:
		c.CloseWrite()
		c.Close()
	}
	return false
}
