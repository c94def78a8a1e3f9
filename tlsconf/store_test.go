package tlsconf

import (
	"context"
	"crypto/tls"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tain.dev/tain/test/pki"
	"tain.dev/tain/test/wire"
)

func TestEqualSettingsShare(t *testing.T) {
	ca := pki.New(t)
	pair := paths(ca.Issue(t, "a.example"))
	s, _ := newStore()
	l := func(change func(*Listener)) *tls.Config {
		v := Listener{Certificates: []Pair{pair}}
		change(&v)
		return mustServer(t, s, v)
	}
	first := l(func(*Listener) {})
	if l(func(*Listener) {}) != first {
		t.Error("equal listeners get different configurations")
	}
	if l(func(v *Listener) { v.MinVersion = "1.3" }) == first || l(func(v *Listener) { v.ALPN = []string{"h2"} }) == first {
		t.Error("different listeners get the same configuration")
	}
	c := mustClient(t, s, Client{CA: ca.File}, "a.example", "h2")
	if mustClient(t, s, Client{CA: ca.File}, "a.example", "h2") != c {
		t.Error("equal clients get different configurations")
	}
	if mustClient(t, s, Client{CA: ca.File}, "b.example", "h2") == c || mustClient(t, s, Client{CA: ca.File}, "a.example") == c {
		t.Error("different clients get the same configuration")
	}
	if n := len(s.Status()); n != 2 {
		t.Errorf("%d files are kept for all of them", n)
	}
}

// TestForgotten lets go of a configuration: its files are looked at no more, and those that it shares
// with others still are.
func TestForgotten(t *testing.T) {
	ca := pki.New(t)
	a, b := ca.Issue(t, "a.example"), ca.Issue(t, "b.example")
	s, _ := newStore()
	stays := mustServer(t, s, Listener{Certificates: []Pair{paths(b)}})
	goes, err := s.Server(Listener{Certificates: []Pair{paths(a), paths(b)}, ClientCA: ca.File, ClientAuth: AuthOptional})
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	if n := len(s.Status()); n != 3 {
		t.Errorf("%d files are known while all are in use", n)
	}
	if _, _, err := shake(t, goes, trusting(ca, "a.example")); err != nil {
		t.Error(err)
	}
	goes = nil // by now it is garbage
	wire.Until(t, "a file to be forgotten", func() bool {
		runtime.GC()
		return len(s.Status()) < 3
	})
	if got := s.Status(); len(got) != 1 || got[0].Cert != b.Cert {
		t.Errorf("%+v", got)
	}
	if folders := s.folders(); len(folders) != 1 {
		t.Errorf("%d folders are watched", len(folders))
	}
	if mustServer(t, s, Listener{Certificates: []Pair{paths(b)}}) != stays {
		t.Error("what is in use was forgotten")
	}
	mustServer(t, s, Listener{Certificates: []Pair{paths(a)}})
	if n := len(s.Status()); n != 2 {
		t.Errorf("%d files are known once the first is used again", n)
	}
}

func TestStatus(t *testing.T) {
	ca := pki.New(t)
	pair := ca.Issue(t, "a.example", "127.0.0.1")
	s, _ := newStore()
	before := time.Now()
	mustServer(t, s, Listener{Certificates: []Pair{paths(pair)}, ClientCA: ca.File, ClientAuth: AuthOptional})
	leaf := pair.TLS(t).Leaf
	for _, got := range s.Status() {
		want := Status{Cert: ca.File, Names: []string{ca.Cert.Subject.String()}, NotAfter: ca.Cert.NotAfter}
		if got.Key != "" {
			want = Status{Cert: pair.Cert, Key: pair.Key, Names: []string{"a.example", "127.0.0.1"}, NotAfter: leaf.NotAfter, Serial: leaf.SerialNumber.Text(16)}
		}
		if got.Loaded.Before(before) || got.Loaded.After(time.Now()) {
			t.Errorf("loaded at %v", got.Loaded)
		}
		got.Loaded = time.Time{}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%+v\nwant\n%+v", got, want)
		}
	}
}

// TestBrokenFileKeepsTheOld asks for a configuration of a file that is broken by now.
func TestBrokenFileKeepsTheOld(t *testing.T) {
	ca := pki.New(t)
	pair := ca.Issue(t, "a.example")
	s, _ := newStore()
	mustServer(t, s, Listener{Certificates: []Pair{paths(pair)}})
	writeFile(t, pair.Key, []byte("-----BEGIN"))
	s.Reload()
	conf := mustServer(t, s, Listener{Certificates: []Pair{paths(pair)}, MinVersion: "1.3"})
	if _, _, err := shake(t, conf, trusting(ca, "a.example")); err != nil {
		t.Error(err)
	}
}

// TestReloadUnderLoad replaces both ends' certificates again and again while connections are made. No
// handshake fails, each sees a certificate that was there, and the last one is seen in the end.
func TestReloadUnderLoad(t *testing.T) {
	ca := pki.New(t)
	pair, identity := ca.Issue(t, "a.example", "v0"), ca.Client(t, "v0")
	s, _ := newStore()
	run(t, s)
	serve := mustServer(t, s, Listener{Certificates: []Pair{paths(pair)}, ClientCA: ca.File, ClientAuth: AuthRequired})
	dial := mustClient(t, s, Client{CA: ca.File, Cert: identity.Cert, Key: identity.Key}, "a.example", "h2")
	var last, made atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for ctx.Err() == nil {
				state, ofServer, err := shake(t, serve, dial)
				if err != nil {
					t.Error(err)
					return
				}
				if seen := versionOf(state.PeerCertificates[0].DNSNames[1]); !state.DidResume && seen > last.Load() {
					t.Errorf("version %d is seen before it is there", seen)
				}
				if len(ofServer.VerifiedChains) == 0 {
					t.Error("the client was not verified")
				}
				made.Add(1)
			}
		})
	}
	const versions = 100
	for i := range versions {
		name := fmt.Sprintf("v%d", i+1)
		last.Store(int64(i + 1))
		pair.Replace(t, ca.Issue(t, "a.example", name))
		identity.Replace(t, ca.Client(t, name))
		s.Reload()
		target := made.Load() + 1
		wire.Until(t, "a handshake", func() bool { return made.Load() >= target || t.Failed() })
	}
	cancel()
	clients.Wait()
	state, ofServer, err := shake(t, serve, mustClient(t, s, Client{CA: ca.File, Cert: identity.Cert, Key: identity.Key}, "a.example"))
	if err != nil || versionOf(state.PeerCertificates[0].DNSNames[1]) != versions || versionOf(ofServer.PeerCertificates[0].Subject.CommonName) != versions {
		t.Errorf("the last versions are not seen: %v", err)
	}
}

func versionOf(name string) (n int64) {
	_, _ = fmt.Sscanf(name, "v%d", &n)
	return n
}
