package http1

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// The fuzz targets hold that net/http accepts whatever is accepted here, and reads it alike. It
// may accept more.

// addSeeds adds every case as a head alone, and before bodies of each framing.
func addSeeds(add func(seed string), cases ...[]parserCase) {
	for _, c := range slices.Concat(cases...) {
		add(c.in)
		add(c.in + "5\r\nhello\r\n0\r\nA: b\r\n\r\nGET / HTTP/1.1\r\n")
	}
	for _, c := range refusedFramings {
		add(get(c.in) + "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
		add(ok(c.in) + "0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
	}
}

func FuzzRequest(f *testing.F) {
	add := func(seed string) { f.Add([]byte(seed)) }
	addSeeds(add, acceptedRequests, refusedRequests)
	add(typicalRequest)
	f.Fuzz(func(t *testing.T, in []byte) {
		size := checkHeadEnd(t, in)
		var r Request
		if size == 0 || r.Parse(in[:size]) != nil {
			return
		}
		for i := range size {
			if err := r.Early(in[:i]); err != nil {
				t.Fatalf("%q is refused early: %v", in[:i], err)
			}
		}
		if err := r.Parse(in[:size]); err != nil || r.Size != size {
			t.Fatalf("parsed again: %v, size %d of %d", err, r.Size, size)
		}
		std, err := http.ReadRequest(bufio.NewReaderSize(bytes.NewReader(in), 1<<16))
		if isException(err) {
			return
		}
		if err != nil {
			t.Fatalf("net/http refuses %q: %v", in, err)
		}
		compareRequest(t, &r, std)
		compareFields(t, &r.Head, std.Header)
		compareBody(t, &r.Head, in[size:], std.ContentLength, std.TransferEncoding, std.Body)
	})
}

// isException says whether net/http refuses for a reason that is no disagreement on the message.
func isException(err error) bool {
	// A Trailer field may announce what is not allowed there. It frames nothing; when such a
	// field comes, Chunked drops it.
	return err != nil && strings.Contains(err.Error(), "bad trailer key")
}

func compareRequest(t *testing.T, r *Request, std *http.Request) {
	t.Helper()
	if got := fmt.Sprintf("%s %s HTTP/1.%d", r.Method, r.Target, r.Minor); got != std.Method+" "+std.RequestURI+" "+std.Proto {
		t.Fatalf("request line %q, net/http has %s %s %s", got, std.Method, std.RequestURI, std.Proto)
	}
	if string(r.Authority) != std.Host {
		t.Fatalf("authority %q, net/http has %q", r.Authority, std.Host)
	}
	path, err := url.PathUnescape(string(r.Path))
	if std.URL.Path == "" && std.URL.Scheme != "" {
		std.URL.Path = "/" // what an absolute-form without a path means, which net/http leaves to its users
		if std.Method == "OPTIONS" && std.URL.RawQuery == "" && !std.URL.ForceQuery {
			std.URL.Path = "*"
		}
	}
	if err != nil || path != std.URL.Path || string(r.Query) != std.URL.RawQuery {
		t.Fatalf("path %q and query %q, net/http has %q and %q", path, r.Query, std.URL.Path, std.URL.RawQuery)
	}
	if r.KeepAlive == std.Close {
		t.Fatalf("keep-alive %v, net/http has close %v", r.KeepAlive, std.Close)
	}
}

func FuzzResponse(f *testing.F) {
	add := func(seed string) {
		for _, method := range []string{"GET", "HEAD", "CONNECT"} {
			f.Add([]byte(seed), method)
		}
	}
	addSeeds(add, acceptedResponses, refusedResponses)
	add(typicalResponse)
	f.Fuzz(func(t *testing.T, in []byte, method string) {
		size := checkHeadEnd(t, in)
		var r Response
		if size == 0 || r.Parse(in[:size], []byte(method)) != nil {
			return
		}
		if r.Size != size {
			t.Fatalf("size %d of %d", r.Size, size)
		}
		std, err := http.ReadResponse(bufio.NewReaderSize(bytes.NewReader(in), 1<<16), &http.Request{Method: method})
		if isException(err) {
			return
		}
		if err != nil {
			t.Fatalf("net/http refuses %q: %v", in, err)
		}
		if std.StatusCode != r.Status || std.Proto != fmt.Sprintf("HTTP/1.%d", r.Minor) {
			t.Fatalf("HTTP/1.%d %d, net/http has %s %d", r.Minor, r.Status, std.Proto, std.StatusCode)
		}
		if _, reason, _ := strings.Cut(std.Status, " "); reason != string(r.Reason) {
			t.Fatalf("reason %q, net/http has %q", r.Reason, reason)
		}
		compareFields(t, &r.Head, std.Header)
		if r.Status/100 == 2 && method == "CONNECT" {
			return // a tunnel, which net/http reads as a body
		}
		if r.KeepAlive && std.Close {
			t.Fatal("keep-alive, net/http closes")
		}
		if r.Body == BodyNone {
			if rest, err := io.ReadAll(std.Body); len(rest) != 0 || err != nil {
				t.Fatalf("no body, net/http has %q, %v", rest, err)
			}
			return // net/http tells the length of another response
		}
		compareBody(t, &r.Head, in[size:], std.ContentLength, std.TransferEncoding, std.Body)
	})
}

// checkHeadEnd holds that the end of a head does not depend on how its bytes come in.
func checkHeadEnd(t *testing.T, in []byte) (size int) {
	t.Helper()
	scanned := 0
	size = HeadEnd(in, &scanned)
	scanned = 0
	for i := range in {
		if got := HeadEnd(in[:i+1], &scanned); got != 0 {
			if got != size || i+1 != size {
				t.Fatalf("%q ends at %d, byte by byte at %d", in, size, got)
			}
			return size
		}
	}
	if size != 0 {
		t.Fatalf("%q ends at %d, byte by byte never", in, size)
	}
	return 0
}

// compareFields compares all values by name, but for the fields that net/http takes out of its
// header or, with Cache-Control for "Pragma: no-cache", puts into it.
func compareFields(t *testing.T, h *Head, std http.Header) {
	t.Helper()
	got := http.Header{}
	for _, f := range h.Fields {
		got.Add(string(f.Name), string(f.Value))
	}
	added := !h.Has(CacheControl) && h.Has(Pragma)
	skip := func(name string, _ []string) bool {
		switch name {
		case "Host", "Transfer-Encoding", "Trailer", "Connection", "Content-Length":
			return true
		}
		return name == "Cache-Control" && added
	}
	maps.DeleteFunc(got, skip)
	maps.DeleteFunc(std, skip)
	if !maps.EqualFunc(got, std, slices.Equal) {
		t.Fatalf("fields %q, net/http has %q", got, std)
	}
}

// compareBody compares the framing, and the bytes of a body that is complete.
func compareBody(t *testing.T, h *Head, rest []byte, length int64, codings []string, body io.Reader) {
	t.Helper()
	chunked := len(codings) == 1 && codings[0] == "chunked"
	if chunked != (h.Body == BodyChunked) {
		t.Fatalf("body %d, net/http has %q", h.Body, codings)
	}
	var want []byte
	switch h.Body {
	case BodyNone, BodyLength:
		if length != h.Length {
			t.Fatalf("length %d, net/http has %d", h.Length, length)
		}
		if h.Length > int64(len(rest)) {
			return
		}
		want = rest[:h.Length]
	case BodyChunked:
		d := decode(t, new(Chunked), rest, len(rest)+1)
		if !d.done {
			return
		}
		want = []byte(d.data)
	case BodyClose:
		if length != -1 {
			t.Fatalf("length until the close, net/http has %d", length)
		}
		want = rest
	}
	if got, err := io.ReadAll(body); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("body %q, net/http has %q, %v", want, got, err)
	}
}

func FuzzChunked(f *testing.F) {
	for _, c := range slices.Concat(acceptedBodies, refusedBodies) {
		f.Add([]byte(c.in), uint8(2))
	}
	f.Fuzz(func(t *testing.T, in []byte, step uint8) {
		var c Chunked
		whole := decode(t, &c, in, len(in)+1)
		for _, step := range []int{1, int(step) + 1} {
			c.Reset()
			if split := decode(t, &c, in, step); split != whole {
				t.Fatalf("%q in steps of %d: %+v, whole: %+v", in, step, split, whole)
			}
		}
		std, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(in)))
		if !strings.HasPrefix(string(std), whole.data) && err == nil {
			t.Fatalf("%.200q: payload %q, net/http has %q", in, whole.data, std)
		}
		if whole.done && (err != nil || string(std) != whole.data) {
			t.Fatalf("%.200q: payload %q, net/http has %q, %v", in, whole.data, std, err)
		}
		checkTrailer(t, whole.trailer)
	})
}

// checkTrailer holds that trailers can be sent on as they are: they parse, and none is known.
func checkTrailer(t *testing.T, trailer string) {
	t.Helper()
	if trailer == "" {
		return
	}
	var r Response
	if err := r.Parse([]byte(ok(trailer)), []byte("GET")); err != nil {
		t.Fatalf("trailer %q: %v", trailer, err)
	}
	for _, f := range r.Fields {
		if f.ID != Other {
			t.Fatalf("trailer %q has %v", trailer, f.ID)
		}
	}
}
