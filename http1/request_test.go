package http1

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// get is a request that is only wrong, if at all, in the given field lines.
func get(lines string) string { return "GET / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n" }

// A parserCase is an input with what becomes of it. The fuzz targets take the inputs as seeds.
type parserCase struct{ in, want string }

var acceptedRequests = []parserCase{
	// Target forms.
	{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET a / ? none keep"},
	{"GET /a/b?c=d?e HTTP/1.1\r\nHost: a:8080\r\n\r\n", "GET a:8080 /a/b ?c=d?e none keep"},
	{"GET //b HTTP/1.1\r\nHost: a\r\n\r\n", "GET a //b ? none keep"},
	{"GET /%41%ff?100%|{} HTTP/1.1\r\nHost: a\r\n\r\n", "GET a /%41%ff ?100%|{} none keep"},
	{"GET http://b HTTP/1.1\r\nHost: b\r\n\r\n", "GET b / ? none keep"},
	{"GET http://b?q HTTP/1.1\r\nHost: b\r\n\r\n", "GET b / ?q none keep"},
	{"GET HTTPS://b:1/p?q HTTP/1.1\r\nHost: a\r\n\r\n", "GET b:1 /p ?q none keep"},
	{"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS a * ? none keep"},
	{"OPTIONS http://b HTTP/1.1\r\nHost: b\r\n\r\n", "OPTIONS b * ? none keep"},
	{"CONNECT b:443 HTTP/1.1\r\nHost: a\r\n\r\n", "CONNECT b:443  ? none keep"},
	{"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n", "CONNECT [::1]:443  ? none keep"},
	{"M-SEARCH!#$%&'*+.^_`|~9 / HTTP/1.1\r\nHost: a\r\n\r\n", "M-SEARCH!#$%&'*+.^_`|~9 a / ? none keep"},

	// Hosts.
	{"GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET  / ? none keep"},
	{"GET / HTTP/1.1\r\nhOST:a-b._~!$&'()*+,;=0\r\n\r\n", "GET a-b._~!$&'()*+,;=0 / ? none keep"},
	{"GET / HTTP/1.1\r\nHost: a:\r\n\r\n", "GET a: / ? none keep"},
	{"GET / HTTP/1.1\r\nHost: [2001:db8::1]:65535\r\n\r\n", "GET [2001:db8::1]:65535 / ? none keep"},
	{"GET / HTTP/1.0\r\n\r\n", "GET  / ? none"},

	// Persistence.
	{get("Connection: close\r\n"), "GET a / ? none"},
	{get("Connection: foo ,, Close\r\n"), "GET a / ? none"},
	{get("Connection: keep-alive\r\nConnection: close\r\n"), "GET a / ? none"},
	{get("Proxy-Connection: close\r\n"), "GET a / ? none keep"},
	{"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET  / ? none keep"},
	{"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", "GET  / ? none"},

	// Framing.
	{get("Content-Length: 0\r\n"), "GET a / ? length 0 keep"},
	{get("Content-Length:  5 \r\n"), "GET a / ? length 5 keep"},
	{get("content-length: 0005 \r\n"), "GET a / ? length 5 keep"},
	{get("Content-Length: 9223372036854775807\r\n"), "GET a / ? length 9223372036854775807 keep"},
	{get("Transfer-Encoding: chunked\r\n"), "GET a / ? chunked keep"},
	{get("TRANSFER-ENCODING: Chunked\t\r\n"), "GET a / ? chunked keep"},

	// Expect and Upgrade.
	{get("Expect: 100-Continue\r\n"), "GET a / ? none keep expect"},
	{get("Expect: tea\r\n"), "GET a / ? none keep"},
	{"GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", "GET  / ? none"},
	{get("Connection: Upgrade\r\nUpgrade: websocket\r\n"), "GET a / ? none keep upgrade"},
	{get("Upgrade: websocket\r\n"), "GET a / ? none keep"},
	{get("Connection: upgrade\r\n"), "GET a / ? none keep"},
	{"GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", "GET  / ? none"},

	// Values.
	{get("A:\r\nB: \t \r\nC: \tc d\te\t\r\nD: \"\x80\xff\"\r\n"), "GET a / ? none keep"},
	{get("Connection: close, keep-alive, A, " + strings.Repeat("x,", 29) + "\r\nA: b\r\n"), "GET a / ? none"},
	{get(strings.Repeat("A: b\r\n", MaxFields-1)), "GET a / ? none keep"},
}

var refusedRequests = []parserCase{
	// Request line.
	{"", "bad_method"},
	{"\r\n\r\n", "bad_method"},
	{" GET / HTTP/1.1\r\n\r\n", "bad_method"},
	{"G(T / HTTP/1.1\r\n\r\n", "bad_method"},
	{"GET\t/ HTTP/1.1\r\n\r\n", "bad_method"},
	{"GET\r\n\r\n", "bad_method"},
	{"G\xc3\x89T / HTTP/1.1\r\n\r\n", "bad_method"},
	{strings.Repeat("G", 33) + " / HTTP/1.1\r\n\r\n", "unknown_method"},
	{"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},
	{"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "bad_version"},
	{"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", "bad_version"},
	{"GET /\tHTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},
	{"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},
	{"GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},
	{"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},
	{"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},
	{"GET /%4 HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},
	{"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},
	{"GET a HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},
	{"GET ?a HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},
	{"GET * HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},
	{"OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},
	{"GET http:// HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},
	{"GET http:///p HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},
	{"GET http://:80/ HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},
	{"GET http:/a HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},
	{"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},
	{"GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},
	{"GET http://u:p@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},
	{"GET http://a:8x/ HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},
	{"GET http://a\\b/ HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},
	{"CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},
	{"CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},
	{"CONNECT a: HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},
	{"CONNECT http://a:1 HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},
	{"CONNECT u@a:1 HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},
	{"CONNECT a:1/ HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},
	{"CONNECT * HTTP/1.1\r\nHost: a\r\n\r\n", "bad_target"},

	// Version.
	{"GET /\r\n\r\n", "bad_version"},
	{"GET / \r\n\r\n", "bad_version"},
	{"GET / http/1.1\r\nHost: a\r\n\r\n", "bad_version"},
	{"GET / HTTP/1\r\nHost: a\r\n\r\n", "bad_version"},
	{"GET / HTTP/1,1\r\nHost: a\r\n\r\n", "bad_version"},
	{"GET / HTTP/x.1\r\nHost: a\r\n\r\n", "bad_version"},
	{"GET / HTTP/1.x\r\nHost: a\r\n\r\n", "bad_version"},
	{"GET / HTTP/1.10\r\nHost: a\r\n\r\n", "bad_version"},
	{"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "bad_version"},
	{"GET / HTTP/0.9\r\nHost: a\r\n\r\n", "unsupported_version"},
	{"GET / HTTP/1.2\r\nHost: a\r\n\r\n", "unsupported_version"},
	{"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "unsupported_version"},
	{"PRI * HTTP/2.0\r\n\r\n", "unsupported_version"},

	// Line ends.
	{"GET / HTTP/1.1\nHost: a\r\n\r\n", "bare_lf"},
	{"GET / HTTP/1.1\rHost: a\r\n\r\n", "bare_cr"},
	{"GET / HTTP/1.1\r\nHost: a\n\r\n", "bare_lf"},
	{"GET / HTTP/1.1\r\nHost: a\r\n\n", "bare_lf"},
	{"GET / HTTP/1.1\r\nHost: a\n\n", "bare_lf"},
	{"GET / HTTP/1.1\r\n\rHost: a\r\n\r\n", "bare_cr"},
	{get("A: b\rC: d\r\n"), "bare_cr"},
	{get("A: b\r\r\n"), "bare_cr"},
	{get("A: b\nC: d\r\n"), "bare_lf"},
	{get("A\nB: c\r\n"), "bare_lf"},
	{get("A\rB: c\r\n"), "bare_cr"},
	{"GET / HTTP/1.1\r\nHost: a\r\n", "incomplete_head"},
	{"GET / HTTP/1.1\r\nHost: a", "incomplete_head"},
	{"GET / HTTP/1.1\r\nHos", "incomplete_head"},
	{get("") + "x", "incomplete_head"},

	// Field lines.
	{get(" A: b\r\n"), "obs_fold"},
	{get("A: b\r\n c\r\n"), "obs_fold"},
	{get("A: b\r\n\tc\r\n"), "obs_fold"},
	{"GET / HTTP/1.1\r\n Host: a\r\n\r\n", "obs_fold"},
	{get("A : b\r\n"), "bad_field_name"},
	{get("A\t: b\r\n"), "bad_field_name"},
	{get(": b\r\n"), "bad_field_name"},
	{get("A B: c\r\n"), "bad_field_name"},
	{get("A\x00: b\r\n"), "bad_field_name"},
	{get("A\xc3\xa9: b\r\n"), "bad_field_name"},
	{get("A(: b\r\n"), "bad_field_name"},
	{get("A\r\n"), "bad_field_line"},
	{get("A: b\x00\r\n"), "control_character"},
	{get("A: b\x01c, a long value\r\n"), "control_character"},
	{get("A: a value that is long\x7f\r\n"), "control_character"},
	{get("A: b\x0bc\r\n"), "control_character"},
	{get(strings.Repeat("A: b\r\n", MaxFields)), "too_many_fields"},

	// Host.
	{"GET / HTTP/1.1\r\n\r\n", "missing_host"},
	{"GET http://a/ HTTP/1.1\r\n\r\n", "missing_host"},
	{get("Host: a\r\n"), "repeated_host"},
	{"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "repeated_host"},
	{"GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n", "bad_host"},
	{"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "bad_host"},
	{"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "bad_host"},
	{"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "bad_host"},
	{"GET / HTTP/1.1\r\nHost: a%41\r\n\r\n", "bad_host"},
	{"GET / HTTP/1.1\r\nHost: \xc3\xa9\r\n\r\n", "bad_host"},
	{"GET / HTTP/1.1\r\nHost: :80\r\n\r\n", "bad_host"},
	{"GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", "bad_host"},
	{"GET / HTTP/1.1\r\nHost: a:000080\r\n\r\n", "bad_host"},
	{"GET / HTTP/1.1\r\nHost: a:-1\r\n\r\n", "bad_host"},
	{"GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", "bad_host"},
	{"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "bad_host"},
	{"GET / HTTP/1.1\r\nHost: [a]\r\n\r\n", "bad_host"},
	{"GET / HTTP/1.1\r\nHost: [::1%25eth0]\r\n\r\n", "bad_host"},
	{"GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n", "bad_host"},
	{"GET / HTTP/1.1\r\nHost: a[::1]\r\n\r\n", "bad_host"},

	// Content-Length; more of it in refusedFramings.
	{get("Content-Length:\t5\r\n"), "bad_content_length"},
	{get("Content-Length: 5 \t\r\n"), "bad_content_length"},

	// Connection.
	{get("Connection: host\r\n"), "bad_connection"},
	{get("Connection: x, Content-Length\r\nContent-Length: 5\r\n"), "bad_connection"},
	{get("Connection: " + strings.Repeat("x,", 33) + "\r\n"), "bad_connection"},
}

// refusedFramings are field lines that neither a request nor a response may have.
var refusedFramings = []parserCase{
	{"Content-Length: 5\r\nContent-Length: 6\r\n", "repeated_content_length"},
	{"Content-Length: 5\r\nContent-Length: 5\r\n", "repeated_content_length"},
	{"Content-Length: 5\r\nA: b\r\ncontent-length: 5\r\n", "repeated_content_length"},
	{"Content-Length: 5, 5\r\n", "bad_content_length"},
	{"Content-Length: \r\n", "bad_content_length"},
	{"Content-Length: +5\r\n", "bad_content_length"},
	{"Content-Length: -5\r\n", "bad_content_length"},
	{"Content-Length: 5 5\r\n", "bad_content_length"},
	{"Content-Length: 0x5\r\n", "bad_content_length"},
	{"Content-Length: a\r\n", "bad_content_length"},
	{"Content-Length: 5.0\r\n", "bad_content_length"},
	{"Content-Length: 5;\r\n", "bad_content_length"},
	{"Content-Length: \xd9\xa5\r\n", "bad_content_length"},
	{"Content-Length: 9223372036854775808\r\n", "bad_content_length"},
	{"Content-Length: 99999999999999999999\r\n", "bad_content_length"},
	{"Content-Length: 00000000000000000005\r\n", "bad_content_length"},
	{"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "length_and_coding"},
	{"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", "length_and_coding"},
	{"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "repeated_transfer_encoding"},
	{"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "repeated_transfer_encoding"},
	{"Transfer-Encoding: chunked, chunked\r\n", "bad_transfer_encoding"},
	{"Transfer-Encoding: chunked, identity\r\n", "bad_transfer_encoding"},
	{"Transfer-Encoding: chunked,\r\n", "bad_transfer_encoding"},
	{"Transfer-Encoding: ,chunked\r\n", "bad_transfer_encoding"},
	{"Transfer-Encoding: xchunked\r\n", "bad_transfer_encoding"},
	{"Transfer-Encoding: chunkedx\r\n", "bad_transfer_encoding"},
	{"Transfer-Encoding: \"chunked\"\r\n", "bad_transfer_encoding"},
	{"Transfer-Encoding: chunked;a=b\r\n", "bad_transfer_encoding"},
	{"Transfer-Encoding: chunked foo\r\n", "bad_transfer_encoding"},
	{"Transfer-Encoding:\r\n", "bad_transfer_encoding"},
	{"Transfer-Encoding: \x0bchunked\r\n", "control_character"},
	{"Transfer-Encoding : chunked\r\n", "bad_field_name"},
	{"Transfer-Encoding\x00: chunked\r\n", "bad_field_name"},
	{"Transfer-Encoding: gzip\r\n", "unknown_transfer_encoding"},
	{"Transfer-Encoding: identity\r\n", "unknown_transfer_encoding"},
	{"Transfer-Encoding: gzip, chunked\r\n", "unknown_transfer_encoding"},
	{"Content-Length\r\n : 5\r\n", "bad_field_line"},
	{"A: b\r\n Content-Length: 5\r\n", "obs_fold"},
}

// say describes a head in the form of parserCase.want.
func (h *Head) say() string {
	s := [...]string{"none", "length", "chunked", "close"}[h.Body]
	if h.Body == BodyLength {
		s += fmt.Sprint(" ", h.Length)
	}
	if h.KeepAlive {
		s += " keep"
	}
	if h.Upgrade {
		s += " upgrade"
	}
	return s
}

func (r *Request) say() string {
	s := fmt.Sprintf("%s %s %s ?%s %s", r.Method, r.Authority, r.Path, r.Query, r.Head.say())
	if r.Expect {
		s += " expect"
	}
	return s
}

// code is the word of a refusal, and its status where that is not 400.
func code(t *testing.T, err error) (status int, code string) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("%v is no *Error", err)
	}
	return e.Status, e.Code
}

func TestRequestAccepted(t *testing.T) {
	var r Request
	for _, c := range acceptedRequests {
		if err := r.Parse([]byte(c.in)); err != nil {
			t.Errorf("%q: %v", c.in, err)
		} else if got := r.say(); got != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.in, got, c.want)
		} else if r.Size != len(c.in) {
			t.Errorf("%q: size %d of %d", c.in, r.Size, len(c.in))
		}
	}
}

func TestRequestRefused(t *testing.T) {
	statuses := map[string]int{"too_many_fields": 431, "unknown_method": 501, "unknown_transfer_encoding": 501, "unsupported_version": 505}
	var r Request
	f := func(in, want string) {
		t.Helper()
		err := r.Parse([]byte(in))
		if err == nil {
			t.Errorf("%q is accepted as %s", in, r.say())
			return
		}
		status, got := code(t, err)
		if got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
		wantStatus := statuses[want]
		if wantStatus == 0 {
			wantStatus = 400
		}
		if status != wantStatus {
			t.Errorf("%q: status %d, want %d", in, status, wantStatus)
		}
	}
	for _, c := range refusedRequests {
		f(c.in, c.want)
	}
	for _, c := range refusedFramings {
		f(get(c.in), c.want)
	}
	f("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "transfer_encoding_in_1_0")
	f("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", "length_and_coding")
}

// A head that parses is never refused early; these are, and need not be complete for it.
func TestEarly(t *testing.T) {
	var r Request
	f := func(in, want string) {
		t.Helper()
		got := ""
		if err := r.Early([]byte(in)); err != nil {
			_, got = code(t, err)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	f("", "")
	f("\r", "")
	f("G", "")
	f("GET", "")
	f("GET ", "")
	f("GET /\x00", "") // told at the end of the line
	f("GET / HTTP/1.1\r", "")
	f("GET / HTTP/1.1\r\nHost", "")
	f(strings.Repeat("G", 32), "")
	f(strings.Repeat("G", 33), "unknown_method")
	f("\x16\x03\x01\x02\x00\x01", "bad_method") // TLS
	f("\x00", "bad_method")
	f(" ", "bad_method")
	f("GET\r", "bad_method")
	f("GET /\r\n", "bad_version") // HTTP/0.9
	f("GET / HTTP/1.1\n", "bare_lf")
	f("PRI * HTTP/2.0\r\n", "unsupported_version")
	f("SSH-2.0-OpenSSH_9.9\r\n", "bad_method")
	for _, c := range acceptedRequests {
		for i := range c.in {
			f(c.in[:i], "")
		}
	}
}

func TestErrorText(t *testing.T) {
	err := new(Request).Parse([]byte(get("A : b\r\n")))
	const want = "http1: 400 bad_field_name: a field name is empty, not a token, or followed by white space"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// What a refused or a richer head left behind must not show in the next one.
func TestReuse(t *testing.T) {
	var r Request
	rich := "POST http://b/p?q HTTP/1.1\r\nHost: c\r\nConnection: upgrade, close, x\r\nUpgrade: y\r\nX: z\r\n" +
		"Expect: 100-continue\r\nContent-Length: 7\r\n"
	for _, first := range []string{rich + "\r\n", rich + "A : b\r\n\r\n"} {
		_ = r.Parse([]byte(first))
		if err := r.Parse([]byte("GET / HTTP/1.0\r\nA: b\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		if got, want := r.say(), "GET  / ? none"; got != want || len(r.Fields) != 1 || r.Has(Host) || r.Fields[0].Hop {
			t.Errorf("after %q: %s with %d fields", first, got, len(r.Fields))
		}
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	var q Request
	var p Response
	request, response, method := []byte(typicalRequest), []byte(typicalResponse), []byte("GET")
	ipv6 := []byte("GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\nConnection: close, x\r\nX: y\r\n\r\n")
	refused := []byte(get("A : b\r\n"))
	f := func() {
		if q.Parse(request) != nil || p.Parse(response, method) != nil || q.Parse(ipv6) != nil || q.Parse(refused) == nil {
			t.Fatal("unexpected result")
		}
	}
	if n := testing.AllocsPerRun(100, f); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
