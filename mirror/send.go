package mirror

import (
	"errors"
	"time"

	"tain.dev/tain/http1"
	"tain.dev/tain/netloop"
	"tain.dev/tain/redact"
	"tain.dev/tain/traffic"
	"tain.dev/tain/upstream"
)

// maxPiece is how many bytes of a body are gathered for one system call.
const maxPiece = 16 << 10

// What ends a copy, besides the errors of netloop and http1.
var (
	errBody       = errors.New("the request's body grew over the limit")
	errMemory     = errors.New("the mirror memory is spent")
	errIncomplete = errors.New("the live request broke")
	errLimit      = errors.New("the answer is over the limit")
)

// worker is the state of a copy under way. It is lent to a coroutine and used again.
type worker struct {
	lane   *lane
	sender *sender
	task   *netloop.Task
	copy   *copied
	up     upstream.Carrier
	ask    upstream.Ask
	sentAt int64
	isHead bool

	out     []byte // what is sent
	piece   []byte // what is sent of a body
	scratch []byte // see traffic.Bytes.Slice
	head    []byte // the answer's head in normal form; before, the request's without what must not leave
	clean   []byte // what a redaction left
	stream  redact.Stream
	in      http1.Response
}

func (l *lane) borrowWorker(s *sender) *worker {
	var w *worker
	if n := len(l.free); n > 0 {
		w = l.free[n-1]
		l.free = l.free[:n-1]
	} else {
		w = &worker{lane: l}
	}
	w.sender, w.task = s, l.loop.Current()
	return w
}

func (w *worker) end() {
	w.drop(upstream.Ignored)
	w.sender, w.task, w.copy = nil, nil, nil
	w.lane.free = append(w.lane.free, w)
}

// drop ends an attempt so that the target can't take a part of a request for all of it.
func (w *worker) drop(o upstream.Outcome) {
	if w.up != nil {
		w.up.Cut()
		w.up.Abort(o)
		w.up = nil
	}
}

// carry takes one copy to the target and its answer back, in one attempt. It returns false when the
// worker was canceled.
func (w *worker) carry(k *copied) bool {
	if err := w.redact(k); err != nil {
		return !errors.Is(err, netloop.ErrCanceled)
	}
	w.copy, k.carrier = k, w
	k.state = running
	w.sender.counts.sent.Add(1)
	if err := w.exchange(k); err != nil {
		why := w.reason(err)
		outcome := upstream.Ignored
		if w.blames(why) && !w.overdue(err) {
			outcome = upstream.OutcomeOf(err)
			w.sender.failed()
		}
		w.drop(outcome)
		w.copy = nil
		k.fail(why, outcomeOf(outcome))
		return why != traffic.FailedStopping
	}
	w.up.Release()
	w.up, w.copy = nil, nil
	k.answer.Request.Discard()
	w.sender.succeeded()
	k.succeed()
	return true
}

func (w *worker) exchange(k *copied) (err error) {
	loop := w.lane.loop
	w.sentAt = loop.Clock()
	k.answer.Start = loop.Unix(w.sentAt)
	w.ask = upstream.Ask{Timeout: k.mirror.Timeout}
	if w.up, _, err = w.sender.pool.Take(&w.ask); err != nil {
		w.up = nil
		return err
	}
	w.up.SetDeadline(w.left())
	w.buildHead(k)
	k.permit.charge(w.sentAt, len(w.out))
	sendErr := w.send(k)
	if sendErr == errIncomplete && k.live.Fault == "" {
		w.up.SetDeadline(min(w.left(), earlyTime))
	} else if sendErr != nil && !early(sendErr) {
		return sendErr
	}
	// A target may answer, and close, before it has read the request. What it said counts.
	if err := w.readAnswer(k); err != nil {
		if sendErr != nil {
			err = sendErr
		}
		return err
	}
	return nil
}

// earlyTime is what a target gets for the rest of its answer when the live exchange has ended before
// its time: live has answered a part of a request without the rest, by a refusal, or by the end of a
// stream of gRPC; or the user has left.
const earlyTime = time.Second

// left is what the copy has left of its time. It is never 0, which would mean no limit.
func (w *worker) left() time.Duration {
	left := max(w.copy.mirror.Timeout-time.Duration(w.lane.loop.Now()-w.sentAt), 1)
	if w.copy.userLeft() {
		left = min(left, earlyTime)
	}
	return left
}

// maxAnswerHead bounds the head of a target's answer, in bytes.
const maxAnswerHead = 64 << 10

// early says whether a failed send may be due to an answer that came early.
func early(err error) bool {
	switch {
	case errors.Is(err, netloop.ErrTimeout), errors.Is(err, netloop.ErrCanceled),
		err == errBody, err == errMemory, err == errIncomplete:
		return false
	}
	return true
}

// send sends the head, and the body as far and as soon as live has it.
func (w *worker) send(k *copied) error {
	request := k.askedBody()
	if request.Ended && !k.chunked && request.Captured() <= netloop.MaxCoalesced && !request.Truncated() {
		k.permit.charge(w.sentAt, request.Captured())
		return w.up.Send(w.out, request.Body(&w.scratch), upstream.RestNone)
	}
	rest := upstream.RestLength
	if k.chunked {
		rest = upstream.RestChunked
	}
	if err := w.up.Send(w.out, nil, rest); err != nil {
		return err
	}
	var at traffic.Cursor
	for {
		if more, err := w.sendFrom(k, &at); err != nil {
			return err
		} else if more {
			continue
		}
		switch {
		case k.live.Request.Size > k.mirror.MaxBody:
			return errBody
		case request.Truncated():
			return errMemory
		case request.Ended:
			return w.up.SendBody(nil, true, w.askedTrailer(k))
		case k.live.Done:
			return errIncomplete
		}
		k.worker = w.task
		err := w.up.Wait()
		k.worker = nil
		if err != nil {
			return err
		}
	}
}

// sendFrom sends what is captured of the body from a place on, at most maxPiece bytes of it. more
// says that there was something. It is copied first: while the connection makes the worker wait,
// the capture grows.
func (w *worker) sendFrom(k *copied, at *traffic.Cursor) (more bool, err error) {
	piece := w.piece[:0]
	for len(piece) <= maxPiece-traffic.BlockSize {
		p := k.askedBody().NextBody(at)
		if p == nil {
			break
		}
		piece = append(piece, p...)
	}
	w.piece = piece
	if len(piece) == 0 {
		return false, nil
	}
	k.permit.charge(w.lane.loop.Now(), len(piece))
	err = w.up.SendBody(piece, false, nil)
	k.sent += len(piece)
	return true, err
}

var methodHead, methodOther = []byte("HEAD"), []byte("GET")

// readAnswer reads the answer to its end.
func (w *worker) readAnswer(k *copied) error {
	method := methodOther
	if w.isHead {
		method = methodHead
	}
	for w.in.Status = 0; w.in.Status < 200; {
		if err := w.up.ReadHead(&w.in, method); err != nil {
			return err
		}
		if w.in.Upgrade {
			return errUpgrade
		}
	}
	k.answer.FirstByte = time.Duration(w.lane.loop.Now() - w.sentAt)
	k.answer.Status = w.in.Status
	w.captureHead(k)
	w.up.StartBody(&w.in)
	if err := w.readBody(k); err != nil {
		return err
	}
	k.answer.LastByte = time.Duration(w.lane.loop.Now() - w.sentAt)
	k.answer.Response.Ended = true
	return nil
}

var errUpgrade = &http1.Error{Status: 502, Code: "unasked_upgrade", Reason: "the target switched protocols unasked"}

// captureHead keeps the head of the answer, in normal form.
func (w *worker) captureHead(k *copied) {
	w.head = w.in.AppendHead(w.head[:0])
	k.answer.Response.SetHead(w.head) // without it, the pair can't be compared: see handOver
}

func (w *worker) readBody(k *copied) error {
	for {
		data, n, done, err := w.up.Body()
		if err != nil {
			return err
		}
		if len(data) > 0 {
			k.answer.Response.Append(data)
		}
		w.up.Consume(n)
		if done {
			k.answer.Response.Trailer = append(k.answer.Response.Trailer, w.up.Trailer()...)
			return nil
		}
		if k.answer.Response.Size > w.lane.m.cfg.DrainAnswer {
			return errLimit
		}
		if n > 0 {
			continue
		}
		if err := w.up.Fill(); err != nil {
			return err
		}
	}
}
