package grpc

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/encoding/gzip" // for the cases that compress
	"google.golang.org/grpc/interop"
	pb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/orca"

	"tain.dev/tain/test/pki"
)

// server is an interop server, with notes about what it got.
type server struct {
	url string
	*recorder
}

// startServer starts a server that is reached by a scheme, h2c or h2.
func startServer(t *testing.T, scheme string, ca *pki.CA) server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := server{scheme + "://" + l.Addr().String(), newRecorder()}
	options := []grpc.ServerOption{orca.CallMetricsServerOption(nil), grpc.StatsHandler(s.recorder)}
	if scheme == "h2" {
		pair := ca.Issue(t, "127.0.0.1").TLS(t)
		options = append(options, grpc.Creds(credentials.NewServerTLSFromCert(&pair)))
	}
	metrics := orca.NewServerMetricsRecorder()
	g := grpc.NewServer(options...)
	pb.RegisterTestServiceServer(g, interop.NewTestServer(interop.NewTestServerOptions{MetricsRecorder: metrics}))
	if err := orca.Register(g, orca.ServiceOptions{ServerMetricsProvider: metrics}); err != nil {
		t.Fatal(err)
	}
	go g.Serve(l) // until Stop
	t.Cleanup(g.Stop)
	return s
}

// client makes the calls of one case. Each gets an id.
type client struct {
	pb.TestServiceClient
	conn *grpc.ClientConn
	dial func() *grpc.ClientConn
	name string
	made atomic.Int32 // how many
}

// newClient returns a client that asks at addr, with TLS if there is a ca. No two have the same name.
func newClient(t *testing.T, name, addr string, ca *pki.CA, more ...grpc.DialOption) *client {
	t.Helper()
	c := &client{name: name}
	trust := insecure.NewCredentials()
	if ca != nil {
		trust = credentials.NewTLS(&tls.Config{RootCAs: ca.Pool()})
	}
	options := append([]grpc.DialOption{
		grpc.WithTransportCredentials(trust),
		grpc.WithUnaryInterceptor(func(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
			return invoke(c.named(ctx), method, req, reply, conn, options...)
		}),
		grpc.WithStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, stream grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
			return stream(c.named(ctx), desc, conn, method, options...)
		}),
	}, more...)
	c.dial = func() *grpc.ClientConn {
		conn, err := grpc.NewClient(addr, options...)
		if err != nil {
			t.Error(err) // the address is no address: the case fails on it in its own goroutine
		}
		return conn
	}
	c.conn = c.dial()
	t.Cleanup(func() { c.conn.Close() })
	c.TestServiceClient = pb.NewTestServiceClient(c.conn)
	return c
}

// named gives a call its id.
func (c *client) named(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, idField, c.id(int(c.made.Add(1))))
}

func (c *client) id(n int) string { return fmt.Sprintf("%s, call %d", c.name, n) }

// ids are those of all calls that were made.
func (c *client) ids() (ids []string) {
	for n := range int(c.made.Load()) {
		ids = append(ids, c.id(n+1))
	}
	return ids
}
