package http1

import (
	"math"
	"strings"
	"testing"
)

// decoded is what became of a chunked body.
type decoded struct {
	data, trailer string
	used          int // bytes of the input, when done
	done          bool
	code          string // of the error
}

// decode feeds in to a Chunked in pieces of at most step bytes.
func decode(t *testing.T, c *Chunked, in []byte, step int) (d decoded) {
	t.Helper()
	for start := 0; start < len(in) || start == 0; {
		piece := in[start:min(len(in), start+step)]
		for {
			data, n, done, err := c.Next(piece)
			d.data += string(data)
			d.used += n
			if err != nil {
				_, d.code = code(t, err)
				d.used = 0
				return d
			}
			if done {
				d.done, d.trailer = true, string(c.Trailer())
				return d
			}
			if n == 0 {
				break
			}
			piece = piece[n:]
		}
		if len(piece) != 0 {
			t.Fatalf("%q: stuck before %q", in, piece)
		}
		start += step
	}
	d.used = 0
	return d
}

var acceptedBodies = []parserCase{
	{"0\r\n\r\n", ""},
	{"5\r\nhello\r\n0\r\n\r\n", "hello"},
	{"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET / HTTP/1.1\r\n", "hello world"},
	{"A\r\n0123456789\r\n00a\r\n0123456789\r\n0000\r\n\r\n", "01234567890123456789"},
	{"0000000000000001\r\nx\r\n0\r\n\r\n", "x"},
	{"2\r\n\r\n\r\n0\r\n\r\n", "\r\n"},
	{"1;a\r\nx\r\n1;a=b;c=\"d e\t\xff\"\r\ny\r\n0;z\r\n\r\n", "xy"},
	{"1;" + strings.Repeat("a", maxLineExt-1) + "\r\nx\r\n0\r\n\r\n", "x"},
	{"1\r\nx\r\n0\r\nA: b\r\nc:\r\n\r\n", "x|A: b\r\nc:\r\n"},
	{"0\r\nA: b\r\nContent-Length: 5\r\nhost: x\r\nB: c\r\nSet-Cookie: d\r\n\r\n", "|A: b\r\nB: c\r\n"},
	{"0\r\nTransfer-Encoding: chunked\r\nContent-Type: x\r\nX-Forwarded-For: y\r\n\r\n", ""},
	{"0\r\n" + strings.Repeat("a: b\r\n", maxTrailerFields) + "\r\n", "|" + strings.Repeat("a: b\r\n", maxTrailerFields)},
}

var refusedBodies = []parserCase{
	// Sizes.
	{"\r\n", "bad_chunk_size"},
	{"\n", "bad_chunk_size"},
	{";a\r\n", "bad_chunk_size"},
	{"+5\r\nhello\r\n", "bad_chunk_size"},
	{"-5\r\nhello\r\n", "bad_chunk_size"},
	{"0x5\r\nhello\r\n", "bad_chunk_size"},
	{" 5\r\nhello\r\n", "bad_chunk_size"},
	{"5 \r\nhello\r\n", "bad_chunk_size"},
	{"5\t\r\nhello\r\n", "bad_chunk_size"},
	{"5 ;a\r\nhello\r\n", "bad_chunk_size"},
	{"g\r\n", "bad_chunk_size"},
	{"5_0\r\n", "bad_chunk_size"},
	{"5\x00\r\n", "bad_chunk_size"},
	{"\xd9\xa5\r\n", "bad_chunk_size"},
	{"5\nhello\n", "bad_chunk_size"},
	{"8000000000000000\r\n", "bad_chunk_size"},
	{"ffffffffffffffff\r\n", "bad_chunk_size"},
	{"10000000000000005\r\nhello\r\n", "bad_chunk_size"},
	{"00000000000000005\r\nhello\r\n", "bad_chunk_size"},
	{"5\rhello\r\n", "bare_cr"},
	{"5\r\r\nhello\r\n", "bare_cr"},

	// Extensions.
	{"5;a\nhello\r\n", "bare_lf"},
	{"5;a\rb\r\nhello\r\n", "bare_cr"},
	{"5;\x00\r\nhello\r\n", "bad_chunk_extension"},
	{"1;" + strings.Repeat("a", maxLineExt) + "\r\nx\r\n", "chunk_extension_too_large"},
	{strings.Repeat("1;"+strings.Repeat("a", 1023)+"\r\nx\r\n", 17), "chunk_extension_too_large"},

	// Ends of chunks.
	{"5\r\nhello0\r\n\r\n", "bad_chunk_end"},
	{"5\r\nhello\n0\r\n\r\n", "bad_chunk_end"},
	{"5\r\nhello\r0\r\n\r\n", "bad_chunk_end"},
	{"5\r\nhelloworld\r\n0\r\n\r\n", "bad_chunk_end"},
	{"5\r\nhello\r\n\r\n0\r\n\r\n", "bad_chunk_size"},

	// Trailers.
	{"0\r\n\n", "bare_lf"},
	{"0\r\n\rx\n", "bare_cr"},
	{"0\r\nA: b\n\r\n", "bare_lf"},
	{"0\r\nA\r\n", "bad_field_line"},
	{"0\r\nA : b\r\n", "bad_field_name"},
	{"0\r\n: b\r\n", "bad_field_name"},
	{"0\r\nA: b\r\n c\r\n", "obs_fold"},
	{"0\r\nA: b\x00\r\n", "control_character"},
	{"0\r\nA: b\rc\r\n", "bare_cr"},
	{"0\r\nGET / HTTP/1.1\r\n", "bad_field_name"},
	{"0\r\n" + strings.Repeat("a: b\r\n", maxTrailerFields+1) + "\r\n", "too_many_trailers"},
	{"0\r\n" + strings.Repeat("Host: b\r\n", maxTrailerFields+1) + "\r\n", "too_many_trailers"},
	{"0\r\na: " + strings.Repeat("b", maxTrailer) + "\r\n", "trailer_too_large"},
}

func TestChunkedAccepted(t *testing.T) {
	var c Chunked
	for _, tc := range acceptedBodies {
		for _, step := range []int{len(tc.in), 1, 3} {
			c.Reset()
			d := decode(t, &c, []byte(tc.in), step)
			got := d.data
			if d.trailer != "" {
				got += "|" + d.trailer
			}
			if !d.done || got != tc.want {
				t.Errorf("%.80q in steps of %d: %.80q, done %v, error %q", tc.in, step, got, d.done, d.code)
			}
			if rest := tc.in[d.used:]; rest != "" && !strings.HasPrefix(rest, "GET ") {
				t.Errorf("%.80q: left %.80q", tc.in, rest)
			}
			if data, n, done, err := c.Next([]byte("more")); len(data) != 0 || n != 0 || !done || err != nil {
				t.Errorf("%.80q: Next after the end: %q %d %v %v", tc.in, data, n, done, err)
			}
		}
	}
}

func TestChunkedRefused(t *testing.T) {
	var c Chunked
	for _, tc := range refusedBodies {
		for _, step := range []int{len(tc.in), 1, 3} {
			c.Reset()
			if d := decode(t, &c, []byte(tc.in), step); d.code != tc.want {
				t.Errorf("%.80q in steps of %d: %q, want %q", tc.in, step, d.code, tc.want)
			}
		}
	}
}

// What is not refused and not done waits for more, at every byte of a good body.
func TestChunkedIncomplete(t *testing.T) {
	for _, tc := range acceptedBodies {
		whole, _, _ := strings.Cut(tc.in, "GET ")
		for i := range whole {
			if d := decode(t, new(Chunked), []byte(whole[:i]), max(i, 1)); d.done || d.code != "" {
				t.Fatalf("%.80q: done %v, error %q", whole[:i], d.done, d.code)
			}
		}
	}
}

// One call takes a chunk with the framing around it, and stops before the next payload.
func TestChunkedNext(t *testing.T) {
	var c Chunked
	buf := []byte("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nnext")
	data, n, done, err := c.Next(buf)
	if string(data) != "hello" || n != 13 || done || err != nil {
		t.Fatalf("%q %d %v %v", data, n, done, err)
	}
	data, n, done, err = c.Next(buf[n:])
	if string(data) != " world" || n != 13 || !done || err != nil {
		t.Fatalf("%q %d %v %v", data, n, done, err)
	}
	c.Reset()
	data, n, done, err = c.Next([]byte("5\r\nhelloX"))
	if string(data) != "hello" || n != 8 || done || err == nil {
		t.Fatalf("with an error: %q %d %v %v", data, n, done, err)
	}
	c.Reset()
	data, n, done, err = c.Next([]byte("7fffffffffffffff\r\nx"))
	if string(data) != "x" || n != 19 || done || err != nil {
		t.Fatalf("the largest size: %q %d %v %v", data, n, done, err)
	}
}

func TestChunkedAllocatesNothing(t *testing.T) {
	var c Chunked
	body := []byte("5;a\r\nhello\r\n0\r\nA: b\r\nHost: c\r\n\r\n")
	n := testing.AllocsPerRun(100, func() {
		c.Reset()
		data, n, done, err := c.Next(body)
		if string(data) != "hello" || n != len(body) || !done || err != nil || len(c.Trailer()) != 6 {
			t.Fatal(data, n, done, err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestResetDropsExtremeTrailers(t *testing.T) {
	var c Chunked
	decode(t, &c, []byte("0\r\na: "+strings.Repeat("b", 2*keptTrailer)+"\r\n\r\n"), 100)
	if len(c.Trailer()) < 2*keptTrailer {
		t.Fatal("the trailer is not kept")
	}
	c.Reset()
	if cap(c.trailer) != 0 || len(c.Trailer()) != 0 {
		t.Errorf("%d bytes are kept", cap(c.trailer))
	}
}

func TestAppendChunkHead(t *testing.T) {
	f := func(n int, want string) {
		t.Helper()
		if got := string(AppendChunkHead([]byte("x"), n)); got != "x"+want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	f(1, "1\r\n")
	f(255, "ff\r\n")
	f(16384, "4000\r\n")
	f(math.MaxInt64, "7fffffffffffffff\r\n")
	defer func() {
		if recover() == nil {
			t.Error("a chunk of 0 bytes is no panic")
		}
	}()
	AppendChunkHead(nil, 0)
}

// TestAppendedBody holds that what is appended is what a decoder reads.
func TestAppendedBody(t *testing.T) {
	f := func(want, trailer string, parts ...string) {
		t.Helper()
		got := []byte("x")
		for _, part := range parts {
			got = AppendChunk(got, []byte(part))
		}
		if got = AppendLastChunk(got, []byte(trailer)); string(got) != "x"+want {
			t.Errorf("%q and %q: %q, want %q", parts, trailer, got, want)
		}
		var c Chunked
		var read string
		for rest := got[1:]; ; {
			data, n, done, err := c.Next(rest)
			if err != nil {
				t.Fatal(err)
			}
			read, rest = read+string(data), rest[n:]
			if done {
				if len(rest) > 0 {
					t.Errorf("%q is left", rest)
				}
				break
			}
		}
		if read != strings.Join(parts, "") || string(c.Trailer()) != trailer {
			t.Errorf("%q and %q come back as %q and %q", parts, trailer, read, c.Trailer())
		}
	}
	f("0\r\n\r\n", "")
	f("0\r\n\r\n", "", "", "")
	f("3\r\nabc\r\n0\r\n\r\n", "", "abc")
	f("3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nX-Sum: 7\r\n\r\n", "X-Sum: 7\r\n", "abc", "", "0123456789abcdef")
}
