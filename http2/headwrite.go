package http2

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"tain.dev/tain/http1"
)

// headWriter turns the text of a head or trailer section into a block of fields. It is borrowed for
// one block.
type headWriter struct {
	text  []byte // a copy of the text, with its empty line
	req   http1.Request
	resp  http1.Response
	block []byte
}

var writers = sync.Pool{New: func() any { return new(headWriter) }}

func takeWriter() *headWriter { return writers.Get().(*headWriter) }

func giveWriter(w *headWriter) {
	if cap(w.text) > keptHead || cap(w.block) > keptHead {
		return
	}
	writers.Put(w)
}

var emptyLine = []byte("\r\n\r\n")

// whole makes text hold lines and an empty line.
func (w *headWriter) whole(start string, lines []byte) []byte {
	w.text = append(append(w.text[:0], start...), lines...)
	if !bytes.HasSuffix(w.text, emptyLine) {
		w.text = append(w.text, "\r\n"...)
	}
	return w.text
}

// response encodes the head of an answer, and returns its status. tunnel says that it answers an
// extended CONNECT.
func (w *headWriter) response(head []byte, tunnel bool) (status int, err error) {
	if err := w.resp.Parse(w.whole("", head), nil); err != nil {
		return 0, fmt.Errorf("http2: sending the head of an answer: %w", err)
	}
	status = w.resp.Status
	switched := status == http.StatusSwitchingProtocols
	if tunnel && status/100 == 2 || !tunnel && switched {
		return 0, ErrNotSwitched
	}
	w.block = w.block[:0]
	if switched {
		w.status(http.StatusOK)
	} else {
		w.status(status)
	}
	for i := range w.resp.Fields {
		f := &w.resp.Fields[i]
		if !switched || f.ID != http1.ContentLength && !http1.EqualFold(f.Name, "sec-websocket-accept") {
			w.field(f)
		}
	}
	return status, nil
}

// request encodes the head of a request, and returns what its answer will depend on.
func (w *headWriter) request(head []byte, scheme string) (asked, error) {
	r := &w.req
	if err := r.Parse(w.whole("", head)); err != nil {
		return asked{}, fmt.Errorf("http2: sending the head of a request: %w", err)
	}
	if string(r.Method) == http.MethodConnect {
		return asked{}, errPlainConnect
	}
	ask := asked{isHead: string(r.Method) == http.MethodHead}
	if mayTunnel(r) {
		protocol, _ := r.Get(http1.Upgrade)
		ask.tunnel, ask.protocol = true, string(protocol)
	}
	w.block = w.block[:0]
	if ask.tunnel {
		w.pseudo(indexMethod, http.MethodConnect)
		w.block = appendString(append(w.block, literal), pseudoNames[pseudoProtocol])
		w.block = appendString(w.block, ask.protocol)
	} else {
		w.pseudo(indexMethod, text(r.Method))
	}
	w.pseudo(indexScheme, scheme)
	w.pseudo(indexAuthority, text(r.Authority))
	w.pseudo(indexPath, text(target(r)))
	for i := range r.Fields {
		f := &r.Fields[i]
		switch {
		case f.ID == http1.Host:
		case ask.tunnel && f.ID == http1.ContentLength:
		case ask.tunnel && http1.EqualFold(f.Name, "sec-websocket-key"):
			ask.key = string(f.Value)
		default:
			w.field(f)
		}
	}
	w.block = append(w.block, teTrailers...)
	return ask, nil
}

// mayTunnel says whether a request for an upgrade can be an extended CONNECT, which has no method and
// no body. Any other one goes without the wish to upgrade, as a server may ignore it too.
func mayTunnel(r *http1.Request) bool {
	protocol, _ := r.Get(http1.Upgrade)
	bodiless := r.Body == http1.BodyNone || r.Body == http1.BodyLength && r.Length == 0
	return r.Upgrade && string(r.Method) == http.MethodGet && bodiless && validToken(text(protocol)) && !http1.EqualFold(protocol, "h2c")
}

var errPlainConnect = errors.New("http2: sending the head of a request: CONNECT is not offered here")

// target is what :path says: the target without scheme and authority.
func target(r *http1.Request) []byte {
	if r.Target[0] == '/' || r.Target[0] == '*' {
		return r.Target
	}
	rest := r.Target[bytes.Index(r.Target, []byte("://"))+3:]
	rest = rest[len(r.Authority):]
	switch {
	case len(rest) == 0:
		return r.Path
	case rest[0] == '?':
		return append(append(make([]byte, 0, 1+len(rest)), '/'), rest...)
	}
	return rest
}

// trailer encodes a trailer section.
func (w *headWriter) trailer(lines []byte) error {
	if err := w.resp.Parse(w.whole("HTTP/1.1 200 \r\n", lines), nil); err != nil {
		return fmt.Errorf("http2: sending a trailer section: %w", err)
	}
	w.block = w.block[:0]
	for i := range w.resp.Fields {
		w.field(&w.resp.Fields[i])
	}
	return nil
}

func (w *headWriter) status(status int) {
	var digits [3]byte
	w.pseudo(indexStatus, text(strconv.AppendInt(digits[:0], int64(status), 10)))
}
