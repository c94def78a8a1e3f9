//go:build linux

package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"
)

// TestShares holds that any hundred members have all the behaviours in their shares.
func TestShares(t *testing.T) {
	for _, from := range []int{0, 100, 731} {
		seen := map[*behaviour]int{}
		for i := range 100 {
			seen[behaviourOf(from+i)]++
		}
		for i := range behaviours {
			if b := &behaviours[i]; seen[b] != b.share {
				t.Errorf("from %d on, behaviour %d has %d members, want %d", from, i, seen[b], b.share)
			}
		}
	}
}

// pair is a connection whose one end a test holds.
func pair(t *testing.T) (member, server *net.TCPConn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if member, err = dialFrom(3, l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); member.Close() })
	return member, c.(*net.TCPConn)
}

func TestMembersComeFromSeveralAddresses(t *testing.T) {
	_, server := pair(t)
	if got := server.RemoteAddr().(*net.TCPAddr).IP.String(); got != "127.0.0.5" {
		t.Errorf("member 3 came from %s, want 127.0.0.5", got)
	}
}

// TestMisbehaviour reads what each kind of member sends first, and ends the connection: the member
// must notice and say so.
func TestMisbehaviour(t *testing.T) {
	f := func(name string, act func(*crowd, *net.TCPConn) error, begins string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			member, server := pair(t)
			ended := make(chan error, 1)
			go func() { ended <- act(&crowd{}, member) }()
			got := make([]byte, len(begins))
			if _, err := io.ReadFull(server, got); err != nil || string(got) != begins {
				t.Errorf("the member sent %q (%v), want %q", got, err, begins)
			}
			server.Close()
			select {
			case err := <-ended:
				if err == nil {
					t.Error("the member did not notice that the server closed")
				}
			case <-time.After(20 * time.Second):
				t.Fatal("the member did not end")
			}
		})
	}
	settings := "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	request := "\x00\x00\x0a\x01\x05\x00\x00\x00\x01\x82\x86\x84\x41\x05crowd"
	f("slowHead", slowHead, "GET / HTTP/1.1\r\nHost: crowd\r\nX-Slow: a")
	f("slowBody", slowBody, "POST /slow HTTP/1.1\r\nHost: crowd\r\nContent-Length: 1000000\r\n\r\na")
	f("halfClosed", halfClosed, "GET / HTTP/1.1\r\nHost: crowd\r\n\r\n")
	f("halfHead", halfHead, "GET / HTTP/1.1\r\nHost: cro")
	f("zeroWindow", zeroWindow, preface+"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00"+request)
	f("rapidReset", rapidReset, preface+settings+request+"\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x08")
	f("pingFlood", pingFlood, preface+settings+"\x00\x00\x08\x06\x00\x00\x00\x00\x00floodage")
}

func TestReset(t *testing.T) {
	t.Parallel()
	member, server := pair(t)
	ended := make(chan error, 1)
	go func() {
		ended <- reset(&crowd{}, member)
		member.Close()
	}()
	if text, err := io.ReadAll(server); err == nil || !bytes.HasSuffix(text, []byte("half of it")) {
		t.Errorf("got %q and then %v, want a reset", text, err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the member blames the server: %v", err)
	}
}

// TestHold holds how a connection is counted.
func TestHold(t *testing.T) {
	m := &crowd{}
	f := func(b *behaviour, want toll) {
		t.Helper()
		member, _ := pair(t)
		m.hold(b, member)
		answer := httptest.NewRecorder()
		m.ServeHTTP(answer, httptest.NewRequest("GET", "/", nil))
		s := admin(t, func(w http.ResponseWriter, _ *http.Request) { w.Write(answer.Body.Bytes()) })
		s.addr = s.admin
		if got, err := s.toll(); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v (%v), want %+v", got, err, want)
		}
	}
	f(&behaviour{act: func(*crowd, *net.TCPConn) error { return nil }}, toll{Opened: 1})
	f(&behaviour{act: func(*crowd, *net.TCPConn) error { return io.EOF }}, toll{Opened: 2, Cut: 1})
	f(&behaviour{act: func(m *crowd, _ *net.TCPConn) error { m.ok.Add(3); return nil }}, toll{Opened: 3, Cut: 1, OK: 3})
}

// TestFramesAreUnderstood holds that a server takes what the members send for requests, and not for
// noise: the body of the answer comes.
func TestFramesAreUnderstood(t *testing.T) {
	c, err := net.Dial("tcp", startOrigin(t).addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write(appendGet(appendFrame([]byte(preface), frameSettings, 0, 0), 1)); err != nil {
		t.Fatal(err)
	}
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	var got []byte
	for piece := make([]byte, 4096); !bytes.Contains(got, []byte(smallJSON)); {
		n, err := c.Read(piece)
		if got = append(got, piece[:n]...); err != nil {
			t.Fatalf("got %q and then %v, want an answer", got, err)
		}
	}
}
