package proxy

import (
	"errors"
	"io"
	"net/http"

	"tain.dev/tain/http1"
	"tain.dev/tain/netloop"
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
	if user, ok := err.(*userError); ok {
		r.uploadErr = user.err
		// Live must not take what it got for a whole request. While the handler sends from the
		// buffer of its connection, the buffer must stay where it is: the handler will see to it.
		if !r.sending {
			r.up.Abort()
		}
	}
	if r.main != nil {
		r.main.Wake()
	}
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
	chunked := r.inBody.Chunked()
	var total int64
	for {
		data, n, done, err := r.inBody.Next(c.Buffered())
		if err != nil {
			return &userError{err}
		}
		if total += int64(len(data)); cfg.MaxBody > 0 && total > cfg.MaxBody {
			return &userError{errLargeBody}
		}
		if err := r.sendUp(data, done, chunked); err != nil {
			return err // live's side: the handler reads what live has to say
		}
		r.capture(data)
		c.Consume(n)
		if done {
			r.unread = false
			r.capturedAll()
			return nil
		}
		if n > 0 && len(c.Buffered()) > 0 {
			continue
		}
		if err := r.moreBody(); err != nil {
			return err
		}
	}
}

// moreBody waits for the user's next bytes. Meanwhile it is not live that is late.
func (r *request) moreBody() error {
	r.up.SetDeadline(0)
	r.client.SetDeadline(r.lane.p.cfg.ResponseTimeout)
	err := r.client.Fill()
	switch {
	case err == nil:
		r.up.SetDeadline(r.responseTimeout())
		return nil
	case errors.Is(err, netloop.ErrCanceled):
		return err
	case errors.Is(err, netloop.ErrTimeout):
		return &userError{errSlowBody}
	}
	return &userError{err}
}

// sendUp sends a part of the body to live.
func (r *request) sendUp(data []byte, done, chunked bool) error {
	if !chunked {
		return r.up.Send(data)
	}
	r.chunk = http1.AppendChunk(r.chunk[:0], data)
	if done {
		r.chunk = http1.AppendLastChunk(r.chunk, r.inBody.Trailer())
	}
	return r.up.Send(r.chunk)
}

// tunnel carries bytes both ways once live has switched protocols, until both sides have said
// that they send no more, or one of them breaks.
func (r *request) tunnel() bool {
	r.status = http.StatusSwitchingProtocols
	r.lane.classes[1].Add(1)
	r.keep = true
	r.answer, _ = r.appendAnswerHead(r.answer[:0])
	r.up.Consume(r.out.Size)
	r.endExchange(faultSwitch)
	r.client.SetDeadline(r.lane.p.cfg.WriteTimeout)
	if r.client.Send(r.answer) == nil {
		r.main, r.uploading = r.lane.loop.Current(), true
		r.uploader = r.lane.loop.Go(func() {
			r.relay(r.client, r.up)
			r.uploading = false
			r.main.Wake()
		})
		r.relay(r.up, r.client)
		for r.uploading {
			r.main.Wait()
		}
	}
	r.up.Close()
	r.up = nil
	r.client.Close()
	return false
}

// relay copies bytes from one connection to the other. A tunnel may be silent for any time.
func (r *request) relay(from, to *netloop.Conn) {
	from.SetDeadline(0)
	for {
		if p := from.Buffered(); len(p) > 0 {
			if to.Send(p) != nil {
				from.Abort()
				return
			}
			from.Consume(len(p))
		}
		switch err := from.Fill(); {
		case err == io.EOF:
			to.CloseWrite()
			return
		case err != nil:
			to.Abort() // what broke on one side is broken on the other
			return
		}
	}
}
