package http1

import (
	"fmt"
	"testing"
)

func (r *Response) say() string {
	return fmt.Sprintf("%d %q %s", r.Status, r.Reason, r.Head.say())
}

// ok is a response that is only wrong, if at all, in the given field lines.
func ok(lines string) string { return "HTTP/1.1 200 OK\r\n" + lines + "\r\n" }

var acceptedResponses = []parserCase{
	// Status line.
	{ok(""), `200 "OK" close`},
	{"HTTP/1.1 200\r\n\r\n", `200 "" close`},
	{"HTTP/1.1 200 \r\n\r\n", `200 "" close`},
	{"HTTP/1.1 999 a\tb \xc3\xa9\r\n\r\n", "999 \"a\\tb é\" close"},

	// Persistence and framing.
	{ok("Content-Length: 0\r\n"), `200 "OK" length 0 keep`},
	{ok("Content-Length: 5\r\nConnection: close\r\n"), `200 "OK" length 5`},
	{ok("Transfer-Encoding: chunked\r\n"), `200 "OK" chunked keep`},
	{ok("Connection: keep-alive\r\n"), `200 "OK" close`},
	{"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", `200 "OK" length 5`},
	{"HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n", `200 "OK" length 5 keep`},
	{"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", `304 "Not Modified" none keep`},
	{"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", `304 "Not Modified" none keep`},

	// Where there is no body, whatever the head says.
	{"HTTP/1.1 100 Continue\r\n\r\n", `100 "Continue" none keep`},
	{"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", `103 "Early Hints" none keep`},
	{"HTTP/1.1 204 No Content\r\n\r\n", `204 "No Content" none keep`},
	{"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", `204 "No Content" none keep`},
	{"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", `204 "No Content" none`},
	{"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", `204 "No Content" none`},

	// Upgrade.
	{"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", `101 "Switching Protocols" none keep upgrade`},
	{"HTTP/1.1 426 Upgrade Required\r\nConnection: upgrade\r\nUpgrade: TLS/1.2\r\nContent-Length: 0\r\n\r\n", `426 "Upgrade Required" length 0 keep`},
}

var refusedResponses = []parserCase{
	{"", "bad_version"},
	{"\r\n\r\n", "bad_version"},
	{"http/1.1 200 OK\r\n\r\n", "bad_version"},
	{"ICY 200 OK\r\n\r\n", "bad_version"},
	{" HTTP/1.1 200 OK\r\n\r\n", "bad_version"},
	{"HTTP/2 200 OK\r\n\r\n", "bad_version"},
	{"HTTP/2.0 200 OK\r\n\r\n", "unsupported_version"},
	{"HTTP/1.2 200 OK\r\n\r\n", "unsupported_version"},
	{"HTTP/1.1\r\n\r\n", "bad_start_line"},
	{"HTTP/1.1", "bad_start_line"},
	{"HTTP/1.1\t200 OK\r\n\r\n", "bad_start_line"},
	{"HTTP/1.1 200\tOK\r\n\r\n", "bad_start_line"},
	{"HTTP/1.1 200OK\r\n\r\n", "bad_start_line"},
	{"HTTP/1.1 200 O\x00K\r\n\r\n", "bad_start_line"},
	{"HTTP/1.1  200 OK\r\n\r\n", "bad_status"},
	{"HTTP/1.1 20 OK\r\n\r\n", "bad_status"},
	{"HTTP/1.1 2000 OK\r\n\r\n", "bad_status"},
	{"HTTP/1.1 099 OK\r\n\r\n", "bad_status"},
	{"HTTP/1.1 -20 OK\r\n\r\n", "bad_status"},
	{"HTTP/1.1 2x0 OK\r\n\r\n", "bad_status"},
	{"HTTP/1.1 200 OK\n\r\n", "bare_lf"},
	{"HTTP/1.1 200 O\rK\r\n\r\n", "bare_cr"},
	{"HTTP/1.1 200 OK\r\nA: b\n\r\n", "bare_lf"},
	{"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "obs_fold"},
	{"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "bad_field_name"},
	{"HTTP/1.1 200 OK\r\nA: \x00\r\n\r\n", "control_character"},
	{"HTTP/1.1 200 OK\r\nA: b\r\n", "incomplete_head"},
	{"HTTP/1.1 204 No Content\r\nContent-Length: x\r\n\r\n", "bad_content_length"},
	{"HTTP/1.1 304 Not Modified\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "length_and_coding"},
	{"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "transfer_encoding_in_1_0"},
	{"HTTP/1.1 200 OK\r\nConnection: content-length\r\nContent-Length: 5\r\n\r\n", "bad_connection"},
	{"HTTP/1.1 101 Switching Protocols\r\n\r\n", "bad_upgrade"},
	{"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", "bad_upgrade"},
	{"HTTP/1.0 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", "bad_upgrade"},
}

func TestResponseAccepted(t *testing.T) {
	var r Response
	for _, c := range acceptedResponses {
		if err := r.Parse([]byte(c.in), []byte("GET")); err != nil {
			t.Errorf("%q: %v", c.in, err)
		} else if got := r.say(); got != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.in, got, c.want)
		} else if r.Size != len(c.in) {
			t.Errorf("%q: size %d of %d", c.in, r.Size, len(c.in))
		}
	}
}

func TestResponseRefused(t *testing.T) {
	var r Response
	f := func(in, want string) {
		t.Helper()
		err := r.Parse([]byte(in), []byte("GET"))
		if err == nil {
			t.Errorf("%q is accepted as %s", in, r.say())
		} else if status, got := code(t, err); status != 502 || got != want {
			t.Errorf("%q: %d %s, want 502 %s", in, status, got, want)
		}
	}
	for _, c := range refusedResponses {
		f(c.in, c.want)
	}
	for _, c := range refusedFramings {
		f(ok(c.in), c.want)
	}
}

func TestResponseByMethod(t *testing.T) {
	var r Response
	f := func(method, in, want string) {
		t.Helper()
		if err := r.Parse([]byte(in), []byte(method)); err != nil {
			t.Errorf("%s %q: %v", method, in, err)
		} else if got := r.Head.say(); got != want {
			t.Errorf("%s %q: %s, want %s", method, in, got, want)
		}
	}
	f("HEAD", ok(""), "none keep")
	f("HEAD", ok("Content-Length: 5\r\n"), "none keep")
	f("HEAD", ok("Transfer-Encoding: chunked\r\n"), "none keep")
	f("HEAD", ok("Connection: close\r\n"), "none")
	f("head", ok("Content-Length: 5\r\n"), "length 5 keep")
	f("CONNECT", ok(""), "none keep")
	f("CONNECT", ok("Content-Length: 5\r\n"), "none")
	f("CONNECT", ok("Transfer-Encoding: chunked\r\n"), "none")
	f("CONNECT", "HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\n", "length 5 keep")
}

// A Content-Length is for the reader of the body: it goes on with HEAD and 304, which have the
// length of another response, and not where it is forbidden.
func TestResponseLengthForwarded(t *testing.T) {
	f := func(method, in string, want bool) {
		t.Helper()
		var r Response
		if err := r.Parse([]byte(in), []byte(method)); err != nil {
			t.Fatal(err)
		}
		if got := !r.Fields[0].Hop; got != want || r.Fields[0].ID != ContentLength {
			t.Errorf("%s %q: forwarded %v, want %v", method, in, got, want)
		}
	}
	f("GET", ok("Content-Length: 5\r\n"), true)
	f("HEAD", ok("Content-Length: 5\r\n"), true)
	f("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", true)
	f("GET", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", false)
	f("GET", "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n", false)
	f("CONNECT", ok("Content-Length: 5\r\n"), false)
}

func TestResponseEarly(t *testing.T) {
	f := func(buf string, want bool) {
		t.Helper()
		var r Response
		err := r.Early([]byte(buf))
		if (err == nil) != want {
			t.Errorf("%q: %v, want that it may become a response: %v", buf, err, want)
		}
		if err != nil {
			if status, got := code(t, err); status != 502 || got != "bad_version" {
				t.Errorf("%q: %d %s, want 502 bad_version", buf, status, got)
			}
		}
	}
	f("", true)
	f("H", true)
	f("HTTP", true)
	f("HTTP/1.1 200 OK\r\n", true)
	f("h", false)
	f("HTTQ", false)
	f("\r\nHTTP/1.1 200 OK\r\n", false)
	f("\x15\x03\x01", false)
}

// TestAppendHead holds what goes on of a response, whatever the hop.
func TestAppendHead(t *testing.T) {
	f := func(head, want string) {
		t.Helper()
		var r Response
		if err := r.Parse([]byte(head), []byte("GET")); err != nil {
			t.Fatalf("%q: %v", head, err)
		}
		if got := string(r.AppendHead([]byte("x"))); got != "x"+want {
			t.Errorf("%q goes on as\n%q, want\n%q", head, got, want)
		}
	}
	f(ok(""), "HTTP/1.1 200 OK\r\n")
	f("HTTP/1.0 200\r\n\r\n", "HTTP/1.1 200 \r\n")
	f("HTTP/1.1 404 So  what\r\nB:  2 \r\na: 1\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 404 So  what\r\nB:  2 \r\na: 1\r\nContent-Length: 5\r\n")
	f(ok("Connection: X-Hop, close\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nTransfer-Encoding: chunked\r\nA: 1\r\n"), "HTTP/1.1 200 OK\r\nA: 1\r\n")
	f("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 204 No Content\r\n")
}
