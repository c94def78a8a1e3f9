package smuggling

import (
	"crypto/tls"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"tain.dev/tain/test/pki"
	"tain.dev/tain/test/wire"
)

// rigs are the ways in which the vectors are tried.
var rigs = []struct {
	name  string
	start func(*testing.T) *upstream
	tls   bool // users come over TLS
	split bool // vectors come in small pieces, too
}{
	{"nginx", startNginx, false, !wire.Race}, // which takes minutes; one server is enough to find races in tain
	{"go", startGo, false, true},
	{"node", startNode, false, !wire.Race},
	{"tls", startGo, true, false},
	{"nginx-h2", startNginxH2, false, false},
	{"go-h2", startGoH2, false, false},
}

// rig is tain between its users, a live server of one kind, and the target of its mirror.
type rig struct {
	tain         *wire.Tain
	tls          *tls.Config // nil: users come in the clear
	split        bool
	live, target *upstream
	probes       int
	seen         int             // requests that tain has begun to forward so far, by its own books
	broken       int             // requests that live did not get whole, or did not take
	excused      map[string]bool // methods and targets that live does not answer as others do
}

// eachRig tries the vectors of some files in each rig. try returns how many requests of the vector live saw.
func eachRig(t *testing.T, files string, try func(*testing.T, *rig, vector) int) {
	corpus := vectors(t, files)
	table := newTable(corpus)
	t.Cleanup(func() {
		t.Logf("%d vectors, and how many requests of each the servers saw:\n%s", len(corpus), table)
	})
	for _, way := range rigs {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			r := startRig(t, way.start(t), way.tls)
			r.split = way.split
			for i, v := range corpus {
				t.Run(v.class+"/"+v.name, func(t *testing.T) { table.add(i, way.name, try(t, r, v.before(r.live.name))) })
			}
			r.end(t)
		})
	}
}

// startRig starts tain before live. Copies wait as long as a busy machine makes them.
func startRig(t *testing.T, live *upstream, overTLS bool) *rig {
	t.Helper()
	r := &rig{live: live, target: startGo(t), excused: make(map[string]bool)}
	var listener string
	if overTLS {
		ca := pki.New(t)
		pair := ca.Issue(t, "127.0.0.1")
		listener = fmt.Sprintf("tls: {certificates: {cert: %q, key: %q}}", pair.Cert, pair.Key)
		r.tls = &tls.Config{RootCAs: ca.Pool(), ServerName: "127.0.0.1"}
	}
	r.tain = wire.StartFile(t, fmt.Sprintf(`
listen: [{address: $listen, %s}]
admin: $admin
loops: 1
drain: 2s
data: {dir: "off"}
mirror: {queueTimeout: 1m}
routes:
- name: all
  backends: %s
  mirrors:
  - {writes: true, timeout: 20s, targets: %s}
`, listener, live.url, r.target.url))
	return r
}

// link is a user's connection.
type link interface {
	io.ReadWriteCloser
	CloseWrite() error
}

// dial connects to tain, as one who speaks that protocol of ALPN.
func (r *rig) dial(t *testing.T, protocol string) link {
	t.Helper()
	conn := wire.Dial(t, "the client", r.tain.Addr).Conn()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	if r.tls == nil {
		return conn
	}
	config := r.tls.Clone()
	config.NextProtos = []string{protocol}
	return tls.Client(conn, config)
}

// excuse notes what live may see otherwise than the target of the mirror.
func (r *rig) excuse(want []outcome) {
	for _, o := range want {
		if o.own[r.live.name] != 0 || o.own["go"] != 0 { // the target is Go too
			r.excused[o.method+" "+o.target] = true
		}
	}
}

// end stops all in good order, and asserts that nothing came late, and that the target of the mirror
// saw what live saw, save what no mirror copies.
func (r *rig) end(t *testing.T) {
	books := r.tain.Settled(t)
	r.tain.Stop(t)
	r.live.stop()
	r.target.stop()
	live, all := r.live.seen(0)
	if broken := all - len(live); broken > r.broken {
		t.Errorf("%s saw %d broken requests, want %d at most", r.live.name, broken, r.broken)
	}
	if books["seen"] != len(live)+r.broken {
		t.Errorf("tain forwarded %d requests whole, and %s saw %d", books["seen"]-r.broken, r.live.name, len(live))
	}
	copied, _ := r.target.seen(0)
	excused := func(s sight) bool { return s.Upgrade != "" || r.excused[s.Method+" "+s.Target] }
	diff := difference(slices.DeleteFunc(live, excused), slices.DeleteFunc(copied, excused))
	// A body may be too large to be copied, and a request may break before its copy has begun.
	if diff != "" || books["dropped"] > books["dropped/body"]+books["dropped/live_incomplete"] {
		t.Errorf("the target of the mirror did not see what %s saw; %v:\n%s", r.live.name, books, diff)
	}
}

// difference lists what only one of two servers saw, in any order.
func difference(live, target []sight) string {
	count := make(map[string]int)
	for _, s := range live {
		count[s.String()]++
	}
	for _, s := range target {
		count[s.String()]--
	}
	var text strings.Builder
	for s, n := range count {
		if n != 0 {
			fmt.Fprintf(&text, "%+d %s\n", n, s)
		}
	}
	return text.String()
}
