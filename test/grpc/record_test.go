package grpc

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/protobuf/proto"
)

// idField is the metadata by which clients name their calls.
const idField = "x-call"

// A call is what a server got of one.
type call struct {
	method   string
	metadata metadata.MD
	deadline bool // it has one
	messages []message
}

type message struct {
	data []byte
	wire int // its length as it was sent, maybe compressed
}

// A recorder notes the calls that a server gets, by their ids. It may be used by several goroutines.
type recorder struct {
	mu    sync.Mutex
	calls map[string]*call
}

func newRecorder() *recorder { return &recorder{calls: make(map[string]*call)} }

// idKey is the key of a call's id in its context.
type idKey struct{}

// TagRPC notes that a call is there. It sees those of methods that nobody serves, too.
func (r *recorder) TagRPC(ctx context.Context, info *stats.RPCTagInfo) context.Context {
	md, _ := metadata.FromIncomingContext(ctx)
	ids := md[idField]
	if len(ids) == 0 {
		return ctx // of the client's balancer
	}
	id := ids[0]
	_, deadline := ctx.Deadline()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls[id] = &call{method: info.FullMethodName, metadata: md, deadline: deadline}
	return context.WithValue(ctx, idKey{}, id)
}

// HandleRPC notes the messages.
func (r *recorder) HandleRPC(ctx context.Context, event stats.RPCStats) {
	in, isMessage := event.(*stats.InPayload)
	id, isNoted := ctx.Value(idKey{}).(string)
	if !isMessage || !isNoted {
		return
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(in.Payload.(proto.Message))
	if err != nil {
		panic(err) // it was unmarshalled a moment ago
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.calls[id]
	c.messages = append(c.messages, message{data, in.CompressedLength})
}

// TagConn and HandleConn have nothing to note.
func (*recorder) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (*recorder) HandleConn(context.Context, stats.ConnStats)                       {}

// of returns the calls that the client made.
func (r *recorder) of(made *client) map[string]call {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := make(map[string]call)
	for _, id := range made.ids() {
		if c, ok := r.calls[id]; ok {
			calls[id] = call{c.method, c.metadata, c.deadline, slices.Clone(c.messages)}
		}
	}
	return calls
}

// differs says in what a copy differs from the call that live got, or "". Of a call that was cut, each
// side may have seen more messages than the other.
func (c call) differs(copied call, cut bool) string {
	if c.method != copied.method || c.deadline != copied.deadline {
		return fmt.Sprintf("the method is %s (deadline: %v), its copy's is %s (%v)", c.method, c.deadline, copied.method, copied.deadline)
	}
	if live, twin := c.users(), copied.users(); !maps.EqualFunc(live, twin, slices.Equal) {
		return fmt.Sprintf("the metadata is\n%v\nthe copy's is\n%v", live, twin)
	}
	n := min(len(c.messages), len(copied.messages))
	if !cut && (len(c.messages) != n || len(copied.messages) != n) {
		return fmt.Sprintf("live got %d messages, the target %d", len(c.messages), len(copied.messages))
	}
	for i, m := range c.messages[:n] {
		if twin := copied.messages[i]; !bytes.Equal(m.data, twin.data) || m.wire != twin.wire {
			return fmt.Sprintf("message %d has %d bytes (%d on the wire), its copy %d (%d), and they are not the same",
				i, len(m.data), m.wire, len(twin.data), twin.wire)
		}
	}
	return ""
}

// users is the metadata without what tain says of itself.
func (c call) users() metadata.MD {
	md := c.metadata.Copy()
	maps.DeleteFunc(md, func(name string, _ []string) bool { return strings.HasPrefix(name, "x-tain-") })
	return md
}

// TestDiffers holds that the comparison sees what it is there for.
func TestDiffers(t *testing.T) {
	of := func(texts ...string) (c call) {
		for _, text := range texts {
			c.messages = append(c.messages, message{[]byte(text), len(text)})
		}
		return c
	}
	f := func(live, copied call, cut, want bool) {
		t.Helper()
		if how := live.differs(copied, cut); (how != "") != want {
			t.Errorf("%v and %v (cut: %v): %q", live, copied, cut, how)
		}
	}
	f(of("a", "b"), of("a", "b"), false, false)
	f(of("a", "b"), of("a", "c"), false, true)
	f(of("a", "b"), of("a", "c"), true, true)
	f(of("a", "b"), of("a"), false, true)
	f(of("a"), of("a", "b"), false, true)
	f(of("a", "b"), of("a"), true, false)
	f(call{method: "/a"}, call{method: "/b"}, true, true)
	f(call{deadline: true}, call{}, true, true)
	f(call{metadata: metadata.MD{"a": {"1"}}}, call{metadata: metadata.MD{"a": {"2"}}}, true, true)
	f(call{metadata: metadata.MD{"a": {"1"}}}, call{metadata: metadata.MD{"a": {"1"}, "x-tain-mirror": {"i/m"}}}, false, false)
	f(call{messages: []message{{nil, 0}}}, call{messages: []message{{nil, 20}}}, false, true)
}
