package proxy

import (
	"errors"
	"time"

	"tain.dev/tain/netloop"
	"tain.dev/tain/upstream"
)

// pump is the uploader: a coroutine beside the handler that carries the request's body to live
// while the handler waits for the answer, which may begin, or be complete, before the body is.
func (r *request) pump() {
	err := errPanic
	defer func() { r.pumped(err) }()
	err = r.copyBody()
}

// pumped ends the uploader, also one that panicked.
func (r *request) pumped(err error) {
	r.uploading = false
	if r.main == nil { // the handler panicked, and left live to this coroutine
		r.up.Abort(upstream.Ignored)
		return
	}
	if user, ok := err.(*userError); ok {
		r.uploadErr = user.err
		// Live must not take what it got for a whole request. While the handler sends from the
		// buffer of its connection, the buffer must stay where it is: the handler will see to it.
		if !r.sending {
			r.up.Cut()
		}
	}
	r.main.Wake()
}

// userError is a failure on the user's side of an upload.
type userError struct{ err error }

func (e *userError) Error() string { return e.err.Error() }

var errPanic error = &userError{errors.New("BUG: the upload panicked")}

// stopUpload ends the uploader and waits until it has.
func (r *request) stopUpload() {
	if !r.uploading {
		return
	}
	r.uploader.Cancel()
	for r.uploading {
		r.lane.loop.Current().Wait()
	}
}

func (r *request) copyBody() error {
	c, cfg := r.client, &r.lane.p.cfg
	var total, waited int64
	for {
		data, n, done, err := c.body()
		if err != nil {
			return &userError{err}
		}
		if total += int64(len(data)); cfg.MaxBody > 0 && total > cfg.MaxBody {
			return &userError{errLargeBody}
		}
		if n > 0 || done {
			var trailer []byte
			if done {
				trailer = c.trailer()
			}
			if err := r.up.SendBody(data, done, trailer); err != nil {
				return err // live's side: the handler reads what live has to say
			}
			r.capture(data)
			c.consume(n)
		}
		if done {
			r.unread = false
			r.capturedAll()
			return nil
		}
		if n > 0 {
			continue
		}
		since := r.lane.loop.Now()
		if err := r.moreBody(); err != nil {
			return err
		}
		if waited += r.lane.loop.Now() - since; r.tooSlow(total, nanos(waited)) {
			return &userError{errSlowBody}
		}
	}
}

// rateGrace is for how long a body may be as slow as it likes.
const rateGrace = 10 * time.Second

// tooSlow says whether a body that was waited for so long has come more slowly than it may. The
// streams of gRPC may.
func (r *request) tooSlow(total int64, waited time.Duration) bool {
	least := r.lane.p.cfg.MinBodyRate
	return least > 0 && !r.grpc && waited > rateGrace && float64(total) < float64(least)*waited.Seconds()
}

// moreBody waits for the user's next bytes. Meanwhile it is not live that is late.
func (r *request) moreBody() error {
	r.awaitLive(0)
	r.client.setDeadline(r.idleTimeout(r.lane.p.cfg.BodyTimeout))
	err := r.client.fill()
	switch {
	case err == nil:
		r.awaitLive(r.liveTimeout())
		return nil
	case errors.Is(err, netloop.ErrCanceled):
		return err
	case errors.Is(err, netloop.ErrTimeout):
		return &userError{errSlowBody}
	}
	return &userError{err}
}

// liveTimeout is how long live may be silent now.
func (r *request) liveTimeout() time.Duration {
	if r.status == 0 {
		return r.tryTimeout()
	}
	return r.idleTimeout(r.lane.p.cfg.ResponseTimeout)
}
