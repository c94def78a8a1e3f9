package http2

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestIsPreface(t *testing.T) {
	f := func(text string, is, more bool) {
		t.Helper()
		if gotIs, gotMore := IsPreface([]byte(text)); gotIs != is || gotMore != more {
			t.Errorf("%q: %v, %v; want %v, %v", text, gotIs, gotMore, is, more)
		}
	}
	f("", false, true)
	f("P", false, true)
	f("PRI * HTTP/2.0\r\n\r\nSM\r\n\r", false, true)
	f(preface, true, false)
	f(preface+"\x00", true, false)
	f("PUT / HTTP/1.1\r\n", false, false)
	f("PRI * HTTP/2.0\r\n\r\nSM\r\n\n", false, false)
}

func TestFrames(t *testing.T) {
	f := func(got []byte, want string) {
		t.Helper()
		if string(got) != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f(appendReset(nil, 5, Cancel), "\x00\x00\x04\x03\x00\x00\x00\x00\x05\x00\x00\x00\x08")
	f(appendWindow(nil, 7, 258), "\x00\x00\x04\x08\x00\x00\x00\x00\x07\x00\x00\x01\x02")
	f(appendPing(nil, []byte("12345678"), flagAck), "\x00\x00\x08\x06\x01\x00\x00\x00\x0012345678")
	f(appendGoAway(nil, 9, NoError, "bye"), "\x00\x00\x0b\x07\x00\x00\x00\x00\x00\x00\x00\x00\x09\x00\x00\x00\x00bye")
	f(appendSettings(nil, setting{settingConnect, 1}), "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00\x01")
	f(raw(frameData, flagEndStream, 1, "x"), "\x00\x00\x01\x00\x01\x00\x00\x00\x01x")
}

func TestParseFrame(t *testing.T) {
	for _, want := range []frame{
		{},
		{length: 1<<24 - 1, kind: 255, flags: 255, stream: maxStreamID},
		{length: maxFrame, kind: frameContinuation, flags: flagEndHeaders, stream: 1},
	} {
		if got := parseFrame(want.append(nil)); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	reserved := frame{stream: 3}.append(nil)
	reserved[5] |= 0x80
	if got := parseFrame(reserved); got.stream != 3 {
		t.Errorf("the reserved bit counts: %+v", got)
	}
}

func TestUnpad(t *testing.T) {
	f := func(flags uint8, payload, want string, wantFault *fault) {
		t.Helper()
		got, fault := frame{flags: flags}.unpad([]byte(payload))
		if string(got) != want || fault != wantFault {
			t.Errorf("%q: %q, %v", payload, got, fault)
		}
	}
	f(0, "abc", "abc", nil)
	f(0, "", "", nil)
	f(flagPadded, "\x00abc", "abc", nil)
	f(flagPadded, "\x02abc", "a", nil)
	f(flagPadded, "\x03abc", "", nil)
	f(flagPadded, "\x04abc", "", errPadding)
	f(flagPadded, "", "", errFrameSize)
}

func TestErrCode(t *testing.T) {
	f := func(code ErrCode, want string) {
		t.Helper()
		if got := code.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	f(NoError, "NO_ERROR")
	f(EnhanceYourCalm, "ENHANCE_YOUR_CALM")
	f(HTTP11Required, "HTTP_1_1_REQUIRED")
	f(0x99, "error code 0x99")
}

// TestReasons holds the list still: its words are labels of a metric.
func TestReasons(t *testing.T) {
	want := strings.Fields(`
		compression content_length continuation_flood empty_flood flow_control frame_size head_memory large_field
		large_head malformed ping_flood preface priority_flood protocol rapid_reset settings_flood
		slow_head slow_read stream_closed too_many_streams unread_output window_flood`)
	if got := Reasons(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	for _, f := range faults {
		if got := Reason(fmt.Errorf("a user: %w", f)); got != f.reason {
			t.Errorf("%v has the reason %q, want %q", f, got, f.reason)
		}
	}
	if got := Reason(io.EOF); got != "" {
		t.Errorf("the end of a connection has the reason %q", got)
	}
}

func TestDefaults(t *testing.T) {
	d := (*Settings)(nil).withDefaults()
	if d.MaxStreams != 128 || d.StreamWindow != 256<<10 || d.ConnWindow != 1<<20 || d.MaxHead != 64<<10 || d.MaxFields != 256 || d.Refused == nil {
		t.Errorf("%+v", d)
	}
	d = (&Settings{ConnWindow: 1, MaxFields: 1000, StreamWindow: 1}).withDefaults()
	if d.ConnWindow != firstWindow || d.MaxFields != 256 || d.StreamWindow != 1 {
		t.Errorf("%+v", d)
	}
}
