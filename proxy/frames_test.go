package proxy

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"tain.dev/tain/test/wire"
)

// framer is one end of an HTTP/2 connection, every frame of which a test decides. In a case file a
// frame is a line: its type, its stream, "end" where it ends the stream, and the rest. The fields of a
// head are the lines behind it:
//
//	HEADERS 1 end GET /path     is :method GET, :scheme http, :authority a, :path /path
//	HEADERS 1 200               is :status 200
//	:protocol: websocket
//	accept: text/html
//	DATA 1 end hello
//	DATA 1 *70000               is as many dots
//	RST_STREAM 1 CANCEL
//	GOAWAY NO_ERROR
//	WINDOW_UPDATE 1 100
//	SETTINGS INITIAL_WINDOW_SIZE=0
//
// What is got is written in the same way. DATA that follows DATA of the same stream is one with it,
// and SETTINGS, PING and WINDOW_UPDATE are left out.
type framer struct {
	*wire.Peer
	t      testing.TB
	name   string
	frames *http2.Framer
	block  bytes.Buffer
	coder  *hpack.Encoder
	got    events
}

const framePatience = 20 * time.Second

func newFramer(t testing.TB, name string, p *wire.Peer, settings string) *framer {
	f := &framer{Peer: p, t: t, name: name, frames: http2.NewFramer(p.Conn(), p.Conn())}
	f.frames.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	f.coder = hpack.NewEncoder(&f.block)
	if settings == "" {
		settings = "SETTINGS ENABLE_CONNECT_PROTOCOL=1"
	}
	f.sends(settings)
	return f
}

// h2user is a client that has sent its preface.
func (r *rig) h2user(t testing.TB, name, settings string) *framer {
	t.Helper()
	p := r.user(t)
	p.Sends(http2.ClientPreface)
	if settings == "" {
		settings = "SETTINGS"
	}
	return newFramer(t, name, p, settings)
}

// h2live is a backend that has read a client's preface.
func h2live(t testing.TB, name string, s *wire.Server, settings string) *framer {
	t.Helper()
	p := s.Accepts()
	p.Gets(http2.ClientPreface)
	return newFramer(t, name, p, settings)
}

// act does one step of a case file. It returns false where it does not know the verb.
func (f *framer) act(verb, text string) bool {
	f.t.Helper()
	switch verb {
	case "enters":
	case "sends":
		f.sends(text)
	case "gets":
		f.gets(text)
	case "gets nothing":
		f.getsNothing()
	case "closes":
		f.Closes()
	case "resets":
		f.Resets()
	case "sees end":
		f.seesEnd(func(err error) bool { return errors.Is(err, io.EOF) })
	case "sees break":
		f.seesEnd(func(error) bool { return true })
	case "sees reset":
		f.seesEnd(func(err error) bool { return errors.Is(err, syscall.ECONNRESET) })
	default:
		return false
	}
	return true
}

// sends sends frames in one piece.
func (f *framer) sends(text string) {
	f.t.Helper()
	var out bytes.Buffer
	w := http2.NewFramer(&out, nil)
	lines := strings.Split(strings.ReplaceAll(strings.TrimSuffix(text, "\r\n"), "\r\n", "\n"), "\n")
	for len(lines) > 0 {
		words := strings.SplitN(lines[0], " ", 3)
		lines = lines[1:]
		if words[0] == "HEADERS" {
			n := 0
			for n < len(lines) && strings.Contains(lines[n], ": ") && lines[n] != strings.ToUpper(lines[n]) {
				n++
			}
			f.writeHead(w, words, lines[:n])
			lines = lines[n:]
			continue
		}
		f.write(w, words)
	}
	f.Sends(out.String())
}

func (f *framer) write(w *http2.Framer, words []string) {
	f.t.Helper()
	rest := strings.Join(words[1:], " ")
	id, _ := strconv.ParseUint(words[min(1, len(words)-1)], 10, 32)
	stream := uint32(id)
	last := words[len(words)-1]
	var err error
	switch words[0] {
	case "DATA":
		_, rest, _ = strings.Cut(rest, " ")
		data, end := cutEnd(rest)
		err = w.WriteData(stream, end, []byte(dots(data)))
	case "RST_STREAM":
		err = w.WriteRSTStream(stream, errCode(f.t, last))
	case "GOAWAY":
		err = w.WriteGoAway(1<<31-1, errCode(f.t, last), nil)
	case "WINDOW_UPDATE":
		n, _ := strconv.ParseUint(last, 10, 32)
		err = w.WriteWindowUpdate(stream, uint32(n))
	case "SETTINGS":
		err = w.WriteSettings(settingsOf(f.t, strings.Fields(rest))...)
	case "PING":
		err = w.WritePing(false, [8]byte{})
	default:
		f.t.Fatalf("there is no frame %q", words)
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

// cutEnd takes the word end off.
func cutEnd(text string) (rest string, end bool) {
	first, rest, _ := strings.Cut(text, " ")
	if first == "end" {
		return rest, true
	}
	return text, false
}

// dots is the data that text stands for.
func dots(text string) string {
	if n, err := strconv.Atoi(strings.TrimPrefix(text, "*")); err == nil && text[0] == '*' {
		return strings.Repeat(".", n)
	}
	return text
}

func (f *framer) writeHead(w *http2.Framer, words, lines []string) {
	f.t.Helper()
	id, err := strconv.ParseUint(words[1], 10, 32)
	if err != nil {
		f.t.Fatalf("%q is no stream", words[1])
	}
	var rest string
	var end bool
	if len(words) > 2 {
		rest, end = cutEnd(words[2])
	}
	f.block.Reset()
	pseudo := map[string]string{}
	if method, path, ok := strings.Cut(rest, " "); ok {
		pseudo = map[string]string{":method": method, ":scheme": "http", ":authority": "a", ":path": path}
	} else if rest != "" {
		pseudo[":status"] = rest
	}
	var fields []hpack.HeaderField
	for _, line := range lines {
		at := strings.Index(line[1:], ": ") + 1
		name, value := line[:at], line[at+2:]
		if name[0] == ':' {
			pseudo[name] = value
			continue
		}
		fields = append(fields, hpack.HeaderField{Name: name, Value: value})
	}
	for _, name := range []string{":method", ":scheme", ":authority", ":path", ":protocol", ":status"} {
		if value, ok := pseudo[name]; ok && value != "-" {
			f.coder.WriteField(hpack.HeaderField{Name: name, Value: value})
		}
	}
	for _, field := range fields {
		f.coder.WriteField(field)
	}
	head := http2.HeadersFrameParam{StreamID: uint32(id), BlockFragment: f.block.Bytes(), EndHeaders: true, EndStream: end}
	if err := w.WriteHeaders(head); err != nil {
		f.t.Fatal(err)
	}
}

func errCode(t testing.TB, name string) http2.ErrCode {
	t.Helper()
	for code := range http2.ErrCode(14) {
		if code.String() == name {
			return code
		}
	}
	t.Fatalf("there is no error code %q", name)
	return 0
}

func settingsOf(t testing.TB, words []string) (all []http2.Setting) {
	t.Helper()
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		n, err := strconv.ParseUint(value, 10, 32)
		id := http2.SettingID(1)
		for ; id < 16 && id.String() != name; id++ {
		}
		if err != nil || id == 16 {
			t.Fatalf("%q is no setting", word)
		}
		all = append(all, http2.Setting{ID: id, Val: uint32(n)})
	}
	return all
}

// gets gets exactly these frames.
func (f *framer) gets(want string) {
	f.t.Helper()
	want = strings.ReplaceAll(want, "\r\n", "\n")
	for f.got.text() != want {
		if f.got.text() != "" && !f.got.mayBecome(want) {
			f.t.Fatalf("%s gets\n%swant\n%s", f.name, f.got.text(), want)
		}
		if err := f.next(); err != nil {
			f.t.Fatalf("%s gets\n%sand %v; want\n%s", f.name, f.got.text(), err, want)
		}
	}
	f.got = nil
}

// getsNothing finds nothing but what is left out, up to the answer to a PING.
func (f *framer) getsNothing() {
	f.t.Helper()
	f.sends("PING")
	for {
		frame, err := f.read()
		if err != nil {
			f.t.Fatalf("%s gets %v; want nothing", f.name, err)
		}
		if ping, ok := frame.(*http2.PingFrame); ok && ping.IsAck() {
			break
		}
		f.got.add(f.t, frame)
	}
	if text := f.got.text(); text != "" {
		f.t.Fatalf("%s gets\n%swant nothing", f.name, text)
	}
}

// seesEnd gets no more but the end of the connection.
func (f *framer) seesEnd(right func(error) bool) {
	f.t.Helper()
	for {
		err := f.next()
		if err == nil && f.got.text() == "" {
			continue
		}
		if f.got.text() != "" || !right(err) {
			f.t.Fatalf("%s gets\n%sand %v; want the end of the connection", f.name, f.got.text(), err)
		}
		return
	}
}

// next reads one more frame, and answers to what wants an answer.
func (f *framer) next() error {
	frame, err := f.read()
	if err != nil {
		return err
	}
	if ping, ok := frame.(*http2.PingFrame); ok && !ping.IsAck() {
		return f.frames.WritePing(true, ping.Data)
	}
	f.got.add(f.t, frame)
	return nil
}

func (f *framer) read() (http2.Frame, error) {
	f.Conn().SetReadDeadline(time.Now().Add(framePatience))
	frame, err := f.frames.ReadFrame()
	if settings, ok := frame.(*http2.SettingsFrame); ok && !settings.IsAck() {
		return frame, f.frames.WriteSettingsAck()
	}
	return frame, err
}
