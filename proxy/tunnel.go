package proxy

import (
	"io"
	"net/http"

	"tain.dev/tain/http1"
	"tain.dev/tain/upstream"
)

// tunnel carries bytes both ways once live has switched protocols, until both sides have said
// that they send no more, or one of them breaks.
func (r *request) tunnel() bool {
	r.status = http.StatusSwitchingProtocols
	r.lane.classes[1].Add(1)
	r.answer = r.out.AppendHead(r.answer[:0])
	r.editAnswer()
	r.answer = r.appendSwitch(r.answer)
	user, err := r.client.switched()
	r.up.StartBody(&r.out)
	r.leaveBudget()
	r.endExchange(faultSwitch)
	if err == nil {
		r.carry(user, r.up.Tunnel())
	} else {
		r.noteFault(reasonClient, err)
	}
	up := r.up
	r.up = nil
	up.Release()
	r.client.leave()
	return false
}

// appendSwitch writes to which protocol.
func (r *request) appendSwitch(a []byte) []byte {
	a = append(a, "Connection: Upgrade\r\n"...)
	if protocol, ok := r.out.Get(http1.Upgrade); ok {
		a = append(a, "Upgrade: "...)
		a = append(a, protocol...)
		a = append(a, "\r\n"...)
	}
	return a
}

func (r *request) carry(user, live upstream.Tunnel) {
	r.main, r.uploading = r.lane.loop.Current(), true
	r.uploader = r.lane.loop.Go(func() {
		defer r.pumped(nil)
		relay(user, live)
	})
	relay(live, user)
	for r.uploading {
		r.main.Wait()
	}
}

// relay copies bytes from one side to the other. A tunnel may be silent for any time.
func relay(from, to upstream.Tunnel) {
	from.SetDeadline(0)
	for {
		if p := from.Buffered(); len(p) > 0 {
			if to.Send(p) != nil {
				from.Abort()
				to.Abort() // which may merely not read
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
