package main

import (
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tain.dev/tain/config"
	"tain.dev/tain/console"
	"tain.dev/tain/test/pki"
	"tain.dev/tain/tlsconf"
	"tain.dev/tain/upstream"
)

// built is the quick start with TLS everywhere. It does not run.
func built(t *testing.T) *system {
	t.Helper()
	ca := pki.New(t)
	pair := ca.Issue(t, "shop.example.com")
	cfg, errs := config.Quick{
		Listen: []string{"127.0.0.1:0"}, TLSCert: pair.Cert, TLSKey: pair.Key,
		Live: "https://127.0.0.1:1", To: []string{"https://127.0.0.1:2"}, BackendCA: ca.File, Percent: 100,
	}.Config()
	cfg.Admin, cfg.Data.Dir, cfg.Loops = "off", "off", 1
	cfg.AccessLog.Path = filepath.Join(t.TempDir(), "access.log")
	if errs = append(errs, cfg.Validate()...); len(errs) > 0 {
		t.Fatal(errs)
	}
	s, err := build(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeAll(s.listeners.open) })
	return s
}

// TestSourcesShowWhatIsThere joins the console to real stages.
func TestSourcesShowWhatIsThere(t *testing.T) {
	src := built(t).sources()
	var names []string
	for _, u := range src.Upstreams() {
		names = append(names, u.Name)
		if len(u.Options) != 1 || !strings.HasPrefix(u.Options[0], "tls ca ") || len(u.Servers) != 1 || !u.Servers[0].Well {
			t.Errorf("upstream %+v", u)
		}
	}
	if want := []string{"127.0.0.1:1", "127.0.0.1:2"}; !slices.Equal(names, want) {
		t.Errorf("upstreams %v, want %v", names, want)
	}
	certs := src.Certificates()
	if len(certs) != 2 {
		t.Fatalf("%d certificates, want the listener's and the authority of both upstreams: %+v", len(certs), certs)
	}
	i := slices.IndexFunc(certs, func(c console.Certificate) bool { return c.Key != "" })
	if i < 0 || !slices.Equal(certs[i].Names, []string{"shop.example.com"}) || certs[i].NotAfter.Before(time.Now()) {
		t.Errorf("certificates %+v", certs)
	}
	if live := src.Live(); live.LogWritten != 0 || live.LogLost != 0 {
		t.Errorf("the access log counts %d and %d lines before any request", live.LogWritten, live.LogLost)
	}
}

// TestReasonsAreDocumented holds the list of docs/admin-api.md against the proxy's.
func TestReasonsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/admin-api.md")
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(page), "| `tain_proxy_errors_total` | connect,")
	line, _, _ = strings.Cut(line, " |\n")
	listed := strings.Split("connect,"+line, ", ")
	reasons := slices.Sorted(maps.Keys(built(t).live().Errors))
	if slices.Sort(listed); !slices.Equal(listed, reasons) {
		t.Errorf("docs/admin-api.md lists the reasons\n%v\nthere are\n%v", listed, reasons)
	}
}

func TestViewUpstreams(t *testing.T) {
	got := viewUpstreams([]upstream.ClusterStatus{{
		Key: "http://shop:9000\nbalance random\nmax-requests 7", Name: "shop:9000", Err: errors.New("no answer"), Panic: true,
		Requests: upstream.GateStatus{Running: 1, Most: 7, Refused: 3},
		Conns:    upstream.GateStatus{Running: 2},
		Retries:  upstream.GateStatus{Running: 4, Most: 5, Refused: 6},
		Servers: []upstream.ServerStatus{
			{Addr: "192.0.2.1:9000", Host: "shop", Weight: 8, Priority: 9, Active: 10, Requests: 11, Failed: 12, Busy: 1500 * time.Millisecond, Ejections: 13},
			{Addr: "192.0.2.2:9000", Why: "health check: no answer", Until: time.Unix(14, 0)},
		},
	}, {Key: "http://bare:80", Name: "bare:80"}})
	want := []console.Upstream{{
		Name: "shop:9000", URL: "http://shop:9000", Options: []string{"balance random", "max-requests 7"}, LookupError: "no answer", Panic: true,
		Requests:    console.Limit{Running: 1, Limit: 7, Refused: 3},
		Connections: console.Limit{Running: 2},
		Retries:     console.Limit{Running: 4, Limit: 5, Refused: 6},
		Servers: []console.Server{
			{Address: "192.0.2.1:9000", Host: "shop", Weight: 8, Priority: 9, Well: true, Active: 10, Requests: 11, Failed: 12, Busy: 1.5, Ejections: 13},
			{Address: "192.0.2.2:9000", Why: "health check: no answer", EjectedUntil: time.Unix(14, 0)},
		},
	}, {Name: "bare:80", URL: "http://bare:80", Options: []string{}, Servers: []console.Server{}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestViewCertificates(t *testing.T) {
	at := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	got := viewCertificates([]tlsconf.Status{{Cert: "a.pem", Key: "a.key", Names: []string{"a"}, Serial: "1f", NotAfter: at, Loaded: at.Add(-time.Hour), Error: "no good"}})
	want := []console.Certificate{{Cert: "a.pem", Key: "a.key", Names: []string{"a"}, Serial: "1f", NotAfter: at, Loaded: at.Add(-time.Hour), Error: "no good"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
