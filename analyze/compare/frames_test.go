package compare

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"tain.dev/tain/traffic"
)

// splitting splits a body as an answer with these header lines does.
func splitting(t testing.TB, header, body string) ([][]byte, bool) {
	t.Helper()
	l := newLab(t, Config{})
	x := l.exchange(call, "HTTP/1.1 200 \r\n"+header+"\r\n\r\n", 0)
	l.c.live.openAnswer(&x.Response)
	return l.c.live.split([]byte(body))
}

func TestSplit(t *testing.T) {
	f := func(name, header, body, want string) {
		t.Helper()
		got := "none"
		if messages, ok := splitting(t, header, body); ok {
			got = fmt.Sprintf("%.40q", messages)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	const packed = "grpc-encoding: gzip"
	f("empty", "", "", `[]`)
	f("two", "", framed(0, "ab")+framed(0, ""), `["ab" ""]`)
	f("the trailer is no message", "", framed(0, "ab")+framed(flagTrailer, "grpc-status:0"), `["ab"]`)
	f("unpacked", packed, framed(1, gzipped("ab"))+framed(0, "cd")+framed(1, gzipped("ef")), `["ab" "cd" "ef"]`)
	f("deflate", "grpc-encoding: deflate", framed(1, deflated("ab")), `["ab"]`)
	f("packed by what we don't know", "grpc-encoding: snappy", framed(1, "ab"), `["ab"]`)
	f("packed by nothing", "", framed(1, "ab"), `["ab"]`)
	f("packed, but is not", packed, framed(1, "ab"), "none")
	f("cut in a prefix", "", framed(0, "ab")+"\x00\x00", "none")
	f("cut in a message", "", framed(0, "abc")[:7], "none")
	f("no frames", "", "hello, world", "none")
	f("unknown flag", "", framed(2, "ab"), "none")
	f("a length over all", "", "\x00\xff\xff\xff\xffab", "none")
	f("too many", "", strings.Repeat(framed(0, ""), maxMessages+1), "none")
}

// TestBombs holds that what is small must not become large: in one message, or in all.
func TestBombs(t *testing.T) {
	f := func(sizes []int, want bool) {
		t.Helper()
		var body strings.Builder
		for _, size := range sizes {
			body.WriteString(framed(flagCompressed, gzipped(strings.Repeat("\x00", size))))
		}
		if _, ok := splitting(t, "grpc-encoding: gzip", body.String()); ok != want {
			t.Errorf("messages of %d bytes: split = %v, want %v", sizes, ok, want)
		}
	}
	f([]int{maxDecoded}, true)
	f([]int{maxDecoded + 1}, false)
	f([]int{maxDecoded / 2, maxDecoded / 2}, true)
	f([]int{maxDecoded / 2, maxDecoded/2 + 1}, false)
}

func TestBase64(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		got, ok := appendBase64(nil, []byte(text))
		if !ok {
			got = []byte("none")
		}
		if string(got) != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	f("", "")
	f("YWJj", "abc")
	f("YQ==YWI=YWJj", "aababc")
	f("YQ==YQ==", "aa")
	f("YQ", "none")
	f("=", "none")
	f("YQ=YQ==", "none")
	f("a b!", "none")
}

// FuzzSplit asks that any body is taken apart within the bounds, and that what is made of frames is
// what it was when it is put together again.
func FuzzSplit(f *testing.F) {
	f.Add([]byte(framed(0, "ab")+framed(flagTrailer, "grpc-status:0\r\n")), false)
	f.Add([]byte(framed(flagCompressed, gzipped("ab"))), false)
	f.Add([]byte(base64.StdEncoding.EncodeToString([]byte(framed(flagTrailer, "x")))), true)
	mem, err := traffic.NewMemory(8 << 20)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { mem.Close() })
	f.Fuzz(func(t *testing.T, body []byte, text bool) {
		kind := "application/grpc-web"
		if text {
			kind += "-text"
		}
		x := new(traffic.Exchange)
		x.Reset(mem)
		defer x.Release()
		message(t, &x.Response, rpc(kind+"\r\ngrpc-encoding: gzip", string(body)))
		var r reader
		r.openAnswer(&x.Response)
		decoded, ok := r.decoded()
		if !ok {
			return
		}
		messages, ok := r.split(decoded)
		if len(r.inflated) > maxDecoded || len(messages) > maxMessages {
			t.Fatalf("%d messages, %d bytes unpacked", len(messages), len(r.inflated))
		}
		if !ok || len(bytes.Trim(flags(decoded), "\x00")) > 0 {
			return
		}
		var again []byte
		for _, m := range messages {
			again = append(again, framed(0, string(m))...)
		}
		if !bytes.Equal(again, decoded) {
			t.Fatalf("%q became %q", decoded, again)
		}
	})
}

// flags lists the flags of a body's frames.
func flags(body []byte) (all []byte) {
	for len(body) > 0 {
		f, rest, ok := cutFrame(body)
		if !ok {
			break
		}
		all, body = append(all, f.flags), rest
	}
	return all
}
