package websocket

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tain.dev/tain/test/faulty"
)

// eachWay runs a test of tunnels by each way and before each server. Afterwards every tunnel is in the
// books as an upgrade, and the target of the mirror has seen nothing.
func eachWay(t *testing.T, test func(t *testing.T, dial func(t *testing.T) *client)) {
	for _, server := range []struct {
		name  string
		start func(t *testing.T) string
	}{{"echo", startEcho}, {"ws", startWS}, {"ws over HTTP 2", startWSH2}} {
		t.Run(server.name, func(t *testing.T) {
			target, err := faulty.Start("ok")
			if err != nil {
				t.Fatal(err)
			}
			defer target.Close()
			r := start(t, server.start(t), "http://"+target.Addr, "")
			for _, way := range ways {
				t.Run(way.name, func(t *testing.T) {
					test(t, func(t *testing.T) *client {
						t.Helper()
						c := way.dial(r, t, "/", "")
						if c.status != http.StatusSwitchingProtocols {
							t.Fatalf("the handshake got status %d", c.status)
						}
						return c
					})
				})
			}
			r.checkBooks(t, target)
			r.Stop(t)
		})
	}
}

// checkBooks asserts that each handshake is counted as an upgrade, and that none was copied.
func (r *rig) checkBooks(t *testing.T, target *faulty.Server) {
	t.Helper()
	if b := r.Settled(t); b["seen"] != r.dials || b["unmatched/upgrade"] != r.dials || target.Requests() != 0 {
		t.Errorf("of %d handshakes %d are seen and %d are upgrades; the target saw %d: %v", r.dials, b["seen"], b["unmatched/upgrade"], target.Requests(), b)
	}
}

// TestMessages sends what is valid, and gets it back.
func TestMessages(t *testing.T) {
	eachWay(t, func(t *testing.T, dial func(*testing.T) *client) {
		f := func(name string, sent []frame, want ...frame) {
			t.Run(name, func(t *testing.T) {
				c := dial(t)
				c.sends(sent...)
				c.gets(want...)
				c.leaves()
			})
		}
		same := func(name string, message frame) { f(name, []frame{message}, message) }
		same("empty text", frame{op: text})
		same("empty binary", frame{op: bin})
		same("text", frame{op: text, payload: "Hello"})
		same("every byte", frame{op: bin, payload: everyByte()})
		for _, size := range []int{1, 125, 126, 127, 128, 65535, 65536, 1 << 20} {
			same(fmt.Sprint(size, " bytes"), frame{op: bin, payload: strings.Repeat("x", size)})
			same(fmt.Sprint(size, " bytes of text"), frame{op: text, payload: strings.Repeat("y", size)})
		}
		for name, valid := range map[string]string{
			"UTF-8 of two bytes": "κόσμε", "UTF-8 of three bytes": "�￿", "UTF-8 of four bytes": "𝄞\U0010ffff", "NUL": "\x00", "zero width": "a\u200bb",
		} {
			same(name, frame{op: text, payload: valid})
		}
		open := func(op byte, payload string) frame { return frame{op: op, payload: payload, open: true} }
		part := func(payload string) frame { return frame{op: more, payload: payload} }
		whole := frame{op: text, payload: "one two"}
		f("two fragments", []frame{open(text, "one "), part("two")}, whole)
		f("three fragments", []frame{open(text, "one"), open(more, " "), part("two")}, whole)
		f("empty fragments", []frame{open(text, ""), open(more, "one two"), open(more, ""), part("")}, whole)
		f("binary fragments", []frame{open(bin, "\xff"), part("\xfe")}, frame{op: bin, payload: "\xff\xfe"})
		f("code point in two fragments", []frame{open(text, "\xce"), part("\xba")}, frame{op: text, payload: "κ"})
		f("many fragments", manyFragments(200), frame{op: bin, payload: strings.Repeat("ab", 200)})
		f("two messages", []frame{whole, {op: bin, payload: "x"}}, whole, frame{op: bin, payload: "x"})

		pinged, ponged := frame{op: ping, payload: "p"}, frame{op: pong, payload: "p"}
		f("ping", []frame{pinged}, ponged)
		f("empty ping", []frame{{op: ping}}, frame{op: pong})
		f("ping of 125 bytes", []frame{{op: ping, payload: strings.Repeat("p", 125)}}, frame{op: pong, payload: strings.Repeat("p", 125)})
		f("ten pings", repeat(pinged, 10), repeat(ponged, 10)...)
		f("pong that nobody asked for", []frame{{op: pong, payload: "x"}, whole}, whole)
		f("ping between fragments", []frame{open(text, "one "), pinged, part("two")}, ponged, whole)
		f("pong between fragments", []frame{open(text, "one "), {op: pong}, part("two")}, whole)
		f("pings between all fragments", []frame{pinged, open(text, "one"), pinged, open(more, " "), pinged, part("two")}, ponged, ponged, ponged, whole)
	})
}

func everyByte() string {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return string(all)
}

func repeat(f frame, n int) (frames []frame) {
	for range n {
		frames = append(frames, f)
	}
	return frames
}

func manyFragments(n int) []frame {
	frames := repeat(frame{op: more, payload: "ab", open: true}, n)
	frames[0].op = bin
	frames[n-1].open = false
	return frames
}

// TestClosing shakes hands at the end: with each code that may be, and by what must not be.
func TestClosing(t *testing.T) {
	eachWay(t, func(t *testing.T, dial func(*testing.T) *client) {
		closed := func(payload, want string) {
			t.Run(fmt.Sprintf("close %.8x", payload), func(t *testing.T) {
				c := dial(t)
				c.sends(frame{op: shut, payload: payload})
				got, err := readFrame(c.in)
				// A server may leave out the reason, and the code where there was none.
				if err != nil || got.op != shut || !strings.HasPrefix(payload, got.payload[:min(len(got.payload), len(want))]) || len(got.payload) < len(want) {
					t.Fatalf("got %v and %v, want to be closed with %x", got, err, want)
				}
				c.ends()
				c.seesEnd()
			})
		}
		closed("", "")
		for _, code := range []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999} {
			closed(closing(code, ""), closing(code, ""))
		}
		closed(closing(1000, strings.Repeat("r", 123)), closing(1000, ""))
		closed(closing(4001, "κόσμε"), closing(4001, ""))

		refused := func(name string, code int, frames ...frame) {
			t.Run(name, func(t *testing.T) {
				c := dial(t)
				c.sends(frames...)
				c.isClosedWith(code)
			})
		}
		for _, code := range []int{0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
			refused(fmt.Sprint("code ", code), 1002, frame{op: shut, payload: closing(code, "")})
		}
		refused("half a code", 1002, frame{op: shut, payload: "\x03"})
		refused("long close", 1002, frame{op: shut, payload: closing(1000, strings.Repeat("r", 124))})
		refused("reason that is not UTF-8", 1007, frame{op: shut, payload: closing(1000, "\xff")})

		for rsv := byte(1); rsv < 8; rsv++ {
			if rsv != 4 { // which may say that the message is compressed
				refused(fmt.Sprint("reserved bits ", rsv), 1002, frame{op: text, payload: "x", rsv: rsv})
			}
		}
		for _, op := range []byte{3, 7, 0xb, 0xf} {
			refused(fmt.Sprint("kind ", op), 1002, frame{op: op})
		}
		refused("reserved bit of a ping", 1002, frame{op: ping, rsv: 1})
		refused("ping of 126 bytes", 1002, frame{op: ping, payload: strings.Repeat("p", 126)})
		refused("ping in fragments", 1002, frame{op: ping, open: true}, frame{op: more})
		refused("not masked", 1002, frame{op: text, payload: "x", bare: true})
		refused("fragment of nothing", 1002, frame{op: more, payload: "x"})
		refused("open fragment of nothing", 1002, frame{op: more, payload: "x", open: true})
		refused("message inside a message", 1002, frame{op: text, payload: "x", open: true}, frame{op: text, payload: "y"})
		for name, invalid := range map[string]string{
			"byte that is never": "\xff", "lone continuation": "\x80", "cut off": "\xce", "overlong": "\xc0\xaf", "surrogate": "\xed\xa0\x80",
			"too large": "\xf4\x90\x80\x80", "overlong of three": "\xe0\x80\xaf", "in the middle": "κ\xffκ",
		} {
			refused("UTF-8 "+name, 1007, frame{op: text, payload: invalid})
		}
		refused("UTF-8 cut by the message's end", 1007, frame{op: text, payload: "\xce", open: true}, frame{op: more, payload: "x"})
	})
}
