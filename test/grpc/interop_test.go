package grpc

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc"
	pb "google.golang.org/grpc/interop/grpc_testing"

	"tain.dev/tain/test/pki"
	"tain.dev/tain/test/wire"
)

// A setting is a way from a client to its server.
type setting struct {
	users  string // the scheme in which clients ask tain: h2c or h2
	live   string // in which tain asks live
	target string // in which it asks the target; "" is without a mirror
}

var settings = []setting{
	{users: "h2c", live: "h2c"},
	{users: "h2c", live: "h2c", target: "h2c"},
	{users: "h2", live: "h2"},
	{users: "h2", live: "h2", target: "h2c"},
	{users: "h2", live: "h2c", target: "h2"},
}

func (s setting) String() string {
	if s.target == "" {
		return s.users + " to " + s.live
	}
	return s.users + " to " + s.live + " and " + s.target
}

// A bench is tain between its servers.
type bench struct {
	tain         *wire.Tain
	ca           *pki.CA // whom clients trust; nil without TLS
	live, target server
	mirrored     bool
}

func TestInterop(t *testing.T) {
	for _, s := range settings {
		t.Run(s.String(), func(t *testing.T) {
			b := s.start(t)
			for _, c := range cases {
				t.Run(c.name, func(t *testing.T) { b.play(t, c) })
			}
			if b.mirrored {
				b.tain.Stop(t) // and its books balance
				return
			}
			b.tain.Signal(t, syscall.SIGTERM)
			if err := b.tain.Wait(t); err != nil {
				t.Errorf("tain ended with %v", err)
			}
		})
	}
}

// start starts the servers, and tain between them.
func (s setting) start(t *testing.T) *bench {
	t.Helper()
	ca := pki.New(t)
	b := &bench{live: startServer(t, s.live, ca), mirrored: s.target != ""}
	if b.mirrored {
		b.target = startServer(t, s.target, ca)
	}
	if s.users == "h2" {
		b.ca = ca
	}
	b.tain = wire.StartFile(t, file(t, s.users == "h2", ca, b.live.url, b.target.url))
	return b
}

// file is tain's, for users with or without TLS, and with a mirror if there is a target.
func file(t *testing.T, secure bool, ca *pki.CA, live, target string) string {
	t.Helper()
	text := "admin: $admin\nloops: 1\ndrain: 2s\ndata: {dir: off}\nlisten:\n- address: $listen\n"
	if secure {
		pair := ca.Issue(t, "127.0.0.1")
		text += fmt.Sprintf("  tls: {certificates: {cert: %q, key: %q}}\n", pair.Cert, pair.Key)
	}
	text += fmt.Sprintf("routes:\n- name: live\n  backends: %s\n", reach(live, ca))
	if target != "" {
		text += fmt.Sprintf("  mirrors:\n  - {name: twin, writes: true, timeout: 5s, targets: %s}\n", reach(target, ca))
	}
	return text
}

// reach is how a server is written in tain's file.
func reach(url string, ca *pki.CA) string {
	if strings.HasPrefix(url, "h2:") {
		return fmt.Sprintf("{url: %q, tls: {ca: %q}}", url, ca.File)
	}
	return fmt.Sprintf("{url: %q}", url)
}

// play runs a case, and then looks at who got what.
func (b *bench) play(t *testing.T, c interopCase) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var options []grpc.DialOption
	if c.balancer != "" {
		policy := fmt.Sprintf(`{"loadBalancingConfig": [{%q: {}}]}`, c.balancer)
		options = append(options, grpc.WithDisableServiceConfig(), grpc.WithDefaultServiceConfig(policy))
	}
	var before wire.Books
	if b.mirrored {
		before = b.tain.Books(t)
	}
	client := newClient(t, c.name, b.tain.Addr, b.ca, options...)
	if failed := attempt(func() { c.run(ctx, client) }); failed != "" {
		t.Fatal(failed)
	}
	// A call that was given up may not have come to tain yet. What comes behind it on the connection has
	// overtaken it nowhere.
	if _, err := client.EmptyCall(ctx, &pb.Empty{}); err != nil {
		t.Fatal(err)
	}
	client.conn.Close()
	if b.mirrored {
		after := b.tain.Settled(t)
		checkCopies(t, c, b.live.of(client), b.target.of(client))
		checkBooks(t, c, before, after)
	}
	calls := b.live.of(client)
	for _, id := range client.ids() {
		if _, ok := calls[id]; !ok && !c.cut {
			t.Errorf("live did not get %s", id)
		}
	}
}

// checkCopies fails the test unless the target got what live got.
func checkCopies(t *testing.T, c interopCase, calls, copies map[string]call) {
	t.Helper()
	for id, live := range calls {
		copied, ok := copies[id]
		if !ok {
			if !c.cut {
				t.Errorf("the target did not get %s", id)
			}
			continue
		}
		if how := live.differs(copied, c.cut); how != "" {
			t.Errorf("%s: %s", id, how)
		}
	}
	for id := range copies {
		if _, ok := calls[id]; !ok && !c.cut {
			t.Errorf("the target got %s, which live did not", id)
		}
	}
}

// givenUp are the entries of the books where a call may stand that its client gave up. Live was faster;
// or its answer, or the request itself, came to no proper end; or live was not asked any more, which nobody
// tells the target; or the target acted on the call's deadline by itself.
var givenUp = []string{
	"compared", "uncompared/live", "failed/live_incomplete", "dropped/live_incomplete", "failed/timeout", "failed/reset",
}

// checkBooks fails the test unless the books tell what happened since before.
func checkBooks(t *testing.T, c interopCase, before, after wire.Books) {
	t.Helper()
	grew := make(wire.Books)
	for entry := range after {
		if n := after[entry] - before[entry]; n > 0 {
			grew[entry] = n
		}
	}
	t.Logf("the books grew by %v", grew)
	sure := grew["seen"]
	if c.balancer != "" {
		sure--
	}
	if c.cut {
		sure = 1 // the last
	}
	ended := 0
	for _, entry := range givenUp {
		ended += grew[entry]
	}
	if ended != grew["seen"] || grew["compared"] < sure {
		t.Errorf("of %d calls, at least %d must have been compared, and the others stand in %v", grew["seen"], sure, givenUp)
	}
}
