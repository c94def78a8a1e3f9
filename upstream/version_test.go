package upstream

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"testing"

	"tain.dev/tain/http1"
	"tain.dev/tain/route"
	"tain.dev/tain/test/pki"
	"tain.dev/tain/test/wire"
)

// settings is what a server of HTTP/2 says first.
const settings = "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64"

// expectVersion holds what an error says that comes of a server that speaks something else.
func expectVersion(t *testing.T, err error, says, fix string) {
	t.Helper()
	var other *VersionError
	var malformed *http1.Error
	if !errors.As(err, &other) || !errors.As(err, &malformed) || OutcomeOf(err) != Reset || other.Speaks != says || other.Fix != fix {
		t.Errorf("it ended with %v, want %q and %q", err, says, fix)
	}
}

// TestOtherVersion says which scheme is right, whatever the wrong one was.
func TestOtherVersion(t *testing.T) {
	f := func(scheme, answer string, o *route.Options, says, fix string) {
		t.Helper()
		srv := newByHand(t)
		r := newRig(t, nil, urlOf(scheme, srv.addr), o)
		ends := r.crowd(1, get("/"))
		srv.next().write(answer)
		expectVersion(t, wire.Await(t, ends, "the request"), says, fix)
	}
	const no = `does not speak HTTP/2: it answered `
	f("h2c", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", nil, no+`"HTTP/1.1 400 Bad Request"`, "use http:// instead of h2c:// in its URL")
	f("h2c", "HTTP/1.1 400", nil, no+`"HTTP/1.1 400"`, "use http:// instead of h2c:// in its URL")
	f("h2c", "HTTP/1.0 505 \x1b[31m\r\n\r\n", nil, no+`"HTTP/1.0 505 \x1b[31m"`, "use http:// instead of h2c:// in its URL")
	f("http", settings, nil, "speaks HTTP/2 only", "use h2c:// instead of http:// in its URL")
	f("http", "\x15\x03\x03\x00\x02\x02\x0a", nil, "speaks TLS only", "use https:// instead of http:// in its URL")
	follow := &route.Options{FollowVersion: true}
	f("h2c", settings, follow, "speaks HTTP/2 only", "leave out its followVersion")
	f("http", settings, follow, "speaks HTTP/2 only", "leave out its followVersion, and use h2c:// instead of http:// in its URL")
}

// TestOtherVersionIsShared with those who wait for the connection, and the next one tries anew.
func TestOtherVersionIsShared(t *testing.T) {
	const n = 10
	srv := newSite(t, nil, http.NotFound, func(s *http.Server) {
		s.Protocols = new(http.Protocols)
		s.Protocols.SetHTTP1(true)
	})
	r := newRig(t, nil, urlOf("h2c", srv.addr), &route.Options{Outlier: noOutlier})
	for round := range int32(2) {
		ends := r.crowd(n, get("/"))
		for range n {
			expectVersion(t, wire.Await(t, ends, "a request"), `does not speak HTTP/2: it answered "HTTP/1.1 404 Not Found"`,
				"use http:// instead of h2c:// in its URL")
		}
		srv.expectConns(t, "after a crowd", round+1)
	}
}

// TestOtherVersionInTheMiddle of a body that is sent.
func TestOtherVersionInTheMiddle(t *testing.T) {
	srv := newByHand(t)
	r := newRig(t, nil, urlOf("h2c", srv.addr), nil)
	var err error
	done := r.begin(func() {
		c := r.take(anyone())
		if err = c.Send([]byte("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), nil, RestChunked); err == nil {
			for err == nil {
				err = c.SendBody(make([]byte, 64<<10), false, nil)
			}
		}
		c.Abort(Reset)
	})
	srv.next().write("HTTP/1.1 400 Bad Request\r\n\r\n")
	wire.Await(t, done, "the upload")
	expectVersion(t, err, `does not speak HTTP/2: it answered "HTTP/1.1 400 Bad Request"`, "use http:// instead of h2c:// in its URL")
}

// TestOtherVersionUnderTLS is of a server that does not know ALPN.
func TestOtherVersionUnderTLS(t *testing.T) {
	ca := pki.New(t)
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{ca.Issue(t, "127.0.0.1").TLS(t)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		t.Cleanup(func() { c.Close() })
		io.WriteString(c, settings)
	}()
	r := newRig(t, ca, urlOf("https", ln.Addr().String()), nil)
	expectVersion(t, wire.Await(t, r.crowd(1, get("/")), "the request"), "speaks HTTP/2 only", "use h2:// instead of https:// in its URL")
}

// TestMalformedIsNoOtherVersion: what nobody can tell is what it was.
func TestMalformedIsNoOtherVersion(t *testing.T) {
	f := func(scheme, answer string) {
		t.Helper()
		srv := newByHand(t)
		r := newRig(t, nil, urlOf(scheme, srv.addr), nil)
		ends := r.crowd(1, get("/"))
		srv.next().write(answer)
		var other *VersionError
		if err := wire.Await(t, ends, "the request"); err == nil || errors.As(err, &other) {
			t.Errorf("%s, %q: %v", scheme, answer, err)
		}
	}
	f("http", "SSH-2.0-OpenSSH_9.2\r\n")
	f("http", "\x00\x00\x06\x05\x00\x00\x00\x00\x00")
	f("http", "\x00\x00\x06\x04")
	f("h2c", "SSH-2.0-OpenSSH_9.2\r\n")
	f("h2c", settings+"HTTP/1.1 200 OK\r\n\r\n")
}
