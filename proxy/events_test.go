package proxy

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/http2"
)

// events are frames that were got.
type events []event

type event struct {
	kind   string
	stream uint32
	end    bool
	rest   string // behind the first words
}

func (e *event) text() string {
	var b strings.Builder
	b.WriteString(e.kind)
	if e.stream > 0 {
		fmt.Fprintf(&b, " %d", e.stream)
	}
	if e.end {
		b.WriteString(" end")
	}
	rest := e.rest
	if e.kind == "DATA" && len(rest) > 64 && strings.Trim(rest, ".") == "" {
		rest = fmt.Sprintf("*%d", len(rest))
	}
	if rest != "" && rest[0] != '\n' {
		b.WriteByte(' ')
	}
	b.WriteString(strings.ReplaceAll(rest, "\r\n", "\n"))
	b.WriteByte('\n')
	return b.String()
}

func (all events) text() string {
	var b strings.Builder
	for i := range all {
		b.WriteString(all[i].text())
	}
	return b.String()
}

// mayBecome says whether want can still be got: whether all but the last event are right.
func (all events) mayBecome(want string) bool {
	text := all[:len(all)-1].text()
	last := all[len(all)-1]
	return strings.HasPrefix(want, text) && (last.kind == "DATA" || strings.HasPrefix(want, text+last.text()))
}

func (all *events) add(t testing.TB, frame http2.Frame) {
	stream := frame.Header().StreamID
	switch fr := frame.(type) {
	case *http2.MetaHeadersFrame:
		*all = append(*all, event{"HEADERS", stream, fr.StreamEnded(), fieldsOf(fr)})
	case *http2.DataFrame:
		data, end := string(fr.Data()), fr.StreamEnded()
		if n := len(*all); n > 0 && (*all)[n-1].kind == "DATA" && (*all)[n-1].stream == stream {
			(*all)[n-1].rest += data
			(*all)[n-1].end = end
			return
		}
		*all = append(*all, event{"DATA", stream, end, data})
	case *http2.RSTStreamFrame:
		*all = append(*all, event{"RST_STREAM", stream, false, fr.ErrCode.String()})
	case *http2.GoAwayFrame:
		*all = append(*all, event{"GOAWAY", 0, false, fr.ErrCode.String()})
	case *http2.SettingsFrame, *http2.PingFrame, *http2.WindowUpdateFrame:
	default:
		t.Errorf("the frame %v is unexpected", frame)
	}
}

// fieldsOf writes a head as a case file has it.
func fieldsOf(fr *http2.MetaHeadersFrame) string {
	var b strings.Builder
	if method := fr.PseudoValue("method"); method != "" {
		b.WriteString(method + " " + fr.PseudoValue("path"))
	}
	b.WriteString(fr.PseudoValue("status"))
	for _, field := range fr.PseudoFields() {
		usual := map[string]string{":scheme": "http", ":authority": "a", ":method": field.Value, ":path": field.Value, ":status": field.Value}
		if usual[field.Name] != field.Value {
			b.WriteString("\n" + field.Name + ": " + field.Value)
		}
	}
	for _, field := range fr.RegularFields() {
		b.WriteString("\n" + field.Name + ": " + field.Value)
	}
	return b.String()
}
