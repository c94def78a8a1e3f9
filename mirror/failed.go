package mirror

import (
	"errors"
	"time"

	"tain.dev/tain/http1"
	"tain.dev/tain/http2"
	"tain.dev/tain/netloop"
	"tain.dev/tain/traffic"
	"tain.dev/tain/upstream"
)

// reason says why the worker's copy failed.
func (w *worker) reason(err error) traffic.Failed {
	switch {
	case w.copy.behind:
		return traffic.FailedBehind
	case w.overdue(err):
		return traffic.FailedTimeout
	}
	why := reasonOf(err)
	if why == traffic.FailedTimeout && w.copy.userLeft() {
		return traffic.FailedIncomplete
	}
	return why
}

// reasonOf sorts what ended a copy into the closed list.
func reasonOf(err error) traffic.Failed {
	var dial *netloop.DialError
	var handshake *upstream.HandshakeError
	var malformed *http1.Error
	switch {
	case err == errBody:
		return traffic.FailedBody
	case err == errMemory:
		return traffic.FailedMemory
	case err == errIncomplete:
		return traffic.FailedIncomplete
	case err == errLimit:
		return traffic.FailedLimit
	case errors.Is(err, netloop.ErrCanceled):
		return traffic.FailedStopping
	case errors.As(err, &dial), errors.As(err, &handshake), errors.Is(err, upstream.ErrUnresolved), errors.Is(err, upstream.ErrBusy):
		return traffic.FailedConnect
	case errors.Is(err, netloop.ErrTimeout):
		return traffic.FailedTimeout
	case errors.As(err, &malformed), errors.Is(err, netloop.ErrFull):
		return traffic.FailedMalformed
	}
	return traffic.FailedReset
}

// blames says whether a failed copy is the target's fault. An answer over the limit is not, where
// live's is as large, nor is lost time, where the user is still sending.
func (w *worker) blames(why traffic.Failed) bool {
	switch why {
	case traffic.FailedIncomplete, traffic.FailedBody, traffic.FailedMemory, traffic.FailedStopping, traffic.FailedBehind:
		return false
	case traffic.FailedTimeout:
		return w.copy.live.Request.Ended
	case traffic.FailedLimit:
		return w.copy.live.Response.Size < w.lane.m.cfg.DrainAnswer/2
	}
	return true
}

// overdue says that the target has reset a call of gRPC when the time was over that the user gives it,
// as it should: nobody would wait for the answer.
func (w *worker) overdue(err error) bool {
	var reset *http2.StreamError
	if !errors.As(err, &reset) {
		return false
	}
	var patience time.Duration
	isGRPC := false
	for name, value := range traffic.Fields(w.copy.live.Request.Head(&w.scratch)) {
		switch {
		case http1.EqualFold(name, "content-type"):
			isGRPC = http2.IsGRPC(value)
		case http1.EqualFold(name, "grpc-timeout"):
			patience = http2.GRPCTimeout(value)
		}
	}
	return isGRPC && patience > 0 && w.lane.loop.Clock()-w.sentAt >= int64(patience)
}
