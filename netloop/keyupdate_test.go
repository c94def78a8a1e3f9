package netloop

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net"
	"strings"
	"testing"
)

// forger is a side of TLS 1.3 that writes records as it likes: crypto/tls has none of the messages
// in question to send.
type forger struct {
	testing.TB
	secret []byte
	aead   cipher.AEAD
	iv     []byte
	seq    uint64
}

const (
	typeAlert, typeHandshake, typeData = 21, 22, 23
)

// keyUpdate is a handshake message that asks for an answer of its kind.
var keyUpdate = []byte{24, 0, 0, 1, 1}

// forge shakes hands by crypto/tls on c, as a client, and takes the writing from it.
func forge(t testing.TB, c net.Conn, conf *tls.Config) *forger {
	t.Helper()
	return takeOver(t, conf, "CLIENT_TRAFFIC_SECRET_0", func(conf *tls.Config) *tls.Conn { return tls.Client(c, conf) })
}

// takeOver shakes hands on what open makes with a configuration that tells its keys.
func takeOver(t testing.TB, conf *tls.Config, label string, open func(*tls.Config) *tls.Conn) *forger {
	t.Helper()
	var log bytes.Buffer
	conf = conf.Clone()
	conf.KeyLogWriter = &log
	c := open(conf)
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	if state := c.ConnectionState(); state.CipherSuite != tls.TLS_AES_128_GCM_SHA256 {
		t.Skipf("this processor makes crypto/tls prefer %s", tls.CipherSuiteName(state.CipherSuite))
	}
	for line := range strings.Lines(log.String()) {
		if fields := strings.Fields(line); fields[0] == label {
			f := &forger{TB: t}
			secret, _ := hex.DecodeString(fields[2])
			f.setKeys(secret)
			return f
		}
	}
	t.Fatalf("no key in %q", log.String())
	return nil
}

// setKeys derives what RFC 8446, 7.3 says.
func (f *forger) setKeys(secret []byte) {
	f.secret, f.seq = secret, 0
	block, err := aes.NewCipher(f.expand("key", 16))
	if err != nil {
		f.Fatal(err)
	}
	f.aead, _ = cipher.NewGCM(block)
	f.iv = f.expand("iv", 12)
}

func (f *forger) expand(label string, n int) []byte {
	label = "tls13 " + label
	info := binary.BigEndian.AppendUint16(nil, uint16(n))
	info = append(info, byte(len(label)))
	info = append(append(info, label...), 0)
	key, err := hkdf.Expand(sha256.New, f.secret, string(info), n)
	if err != nil {
		f.Fatal(err)
	}
	return key
}

// record encrypts one.
func (f *forger) record(kind byte, text []byte) []byte {
	nonce := bytes.Clone(f.iv)
	for i, b := range binary.BigEndian.AppendUint64(nil, f.seq) {
		nonce[len(nonce)-8+i] ^= b
	}
	f.seq++
	inner := append(bytes.Clone(text), kind)
	head := []byte{typeData, 3, 3, 0, 0}
	binary.BigEndian.PutUint16(head[3:], uint16(len(inner)+f.aead.Overhead()))
	return f.aead.Seal(head, nonce, inner, head)
}

// update is a record with a key update, after which the keys are others.
func (f *forger) update() []byte {
	p := f.record(typeHandshake, keyUpdate)
	f.setKeys(f.expand("traffic upd", sha256.Size))
	return p
}

// TestKeyUpdatesUnread has a client ask for new keys again and again, and never read. It must be cut,
// and another connection of the loop must not notice.
func TestKeyUpdatesUnread(t *testing.T) {
	r := newRig(t, nil)
	server, client := certified(t)
	ended := make(chan error, 1)
	opened := make(chan *Conn, 1)
	// Only this side's buffer is small: the system makes no progress with answers as small as these
	// where the other one is.
	theirs := dial(t, r.listenOpen(func(c *Conn) bool {
		setSendBuffer(t, c, 16<<10)
		opened <- c
		return true
	}, securing(server, func(c *Conn) {
		for {
			if err := c.Fill(); err != nil {
				ended <- err
				c.Close()
				return
			}
			c.Consume(len(c.Buffered()))
		}
	}, nil)))
	bad := wait(t, opened, "the connection")
	good := dialTLS(t, r.listen(securing(server, echo, nil)), client)
	f := forge(t, theirs, client)
	exchanges, most := 0, 0
	for {
		var flood []byte
		for range 500 {
			// A byte of data keeps crypto/tls from ending it by itself.
			flood = append(append(flood, f.update()...), f.record(typeData, []byte("x"))...)
		}
		if _, err := theirs.Write(flood); err != nil {
			break
		}
		r.on(func() { most = max(most, bad.Queued()) })
		write(t, good, "hello")
		expect(t, good, "hello")
		exchanges++
	}
	if err := wait(t, ended, "the end of it"); !errors.Is(err, errUnread) {
		t.Errorf("it ended with %v", err)
	}
	if exchanges == 0 || most > maxEncrypted {
		t.Errorf("%d bytes were queued at most, %d exchanges meanwhile", most, exchanges)
	}
	write(t, good, "hello")
	expect(t, good, "hello")
	r.on(func() {
		if !bad.Broken() || !bad.Closed() {
			t.Errorf("broken: %v, closed: %v", bad.Broken(), bad.Closed())
		}
	})
}

// TestKeyUpdatesAnswered holds that a client which reads may ask for new keys.
func TestKeyUpdatesAnswered(t *testing.T) {
	r := newRig(t, nil)
	server, client := certified(t)
	received := make(chan string, 1)
	_, theirs := r.pair(securing(server, func(c *Conn) {
		var text []byte
		for c.Fill() == nil {
			text = append(text, c.Buffered()...)
			c.Consume(len(c.Buffered()))
		}
		received <- string(text)
		c.Close()
	}, nil), false)
	f := forge(t, theirs, client)
	var all []byte
	for range 100 {
		all = append(append(all, f.update()...), f.record(typeData, []byte("x"))...)
	}
	all = append(all, f.record(typeAlert, []byte{1, 0})...)
	if _, err := theirs.Write(all); err != nil {
		t.Fatal(err)
	}
	if got := wait(t, received, "the text"); got != strings.Repeat("x", 100) {
		t.Errorf("received %q", got)
	}
}

// TestBadRecords sends what must not come after a handshake.
func TestBadRecords(t *testing.T) {
	check := func(name, want string, bad func(f *forger) []byte) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			server, client := certified(t)
			ended := make(chan error, 1)
			_, theirs := r.pair(securing(server, func(c *Conn) {
				err := c.Fill()
				for err == nil {
					c.Consume(len(c.Buffered()))
					err = c.Fill()
				}
				if again := c.Fill(); again == nil || again.Error() != err.Error() {
					t.Errorf("the next read says %v", again)
				}
				if !c.Broken() {
					t.Error("it is not broken")
				}
				ended <- err
				c.Close()
			}, nil), false)
			f := forge(t, theirs, client)
			theirs.Write(f.record(typeData, []byte("good")))
			theirs.Write(bad(f))
			if err := wait(t, ended, "the end"); !strings.Contains(err.Error(), want) {
				t.Errorf("it ended with %v, want %q", err, want)
			}
		})
	}
	check("too long", "oversized record", func(f *forger) []byte { return []byte{typeData, 3, 3, 0x50, 0} })
	check("too much text", "record overflow", func(f *forger) []byte { return f.record(typeData, make([]byte, 1<<14+1)) })
	check("not encrypted by the key", "bad record MAC", func(f *forger) []byte {
		p := f.record(typeData, []byte("x"))
		p[len(p)-1] ^= 1
		return p
	})
	check("cleartext", "when expecting version", func(f *forger) []byte { return []byte("GET / HTTP/1.1\r\n\r\n") })
	check("an unknown message", "unexpected message", func(f *forger) []byte { return f.record(typeHandshake, []byte{99, 0, 0, 0}) })
	check("a second hello", "error decoding message", func(f *forger) []byte { return f.record(typeHandshake, []byte{1, 0, 0, 0}) })
	check("a fatal alert", "internal error", func(f *forger) []byte { return f.record(typeAlert, []byte{2, 80}) })
	check("updates without end", "too many", func(f *forger) (all []byte) {
		for range 100 {
			all = append(all, f.update()...)
		}
		return all
	})
	check("empty records without end", "too many", func(f *forger) (all []byte) {
		for range 100 {
			all = append(all, f.record(typeData, nil)...)
		}
		return all
	})
}
