package grpc

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/interop"
	pb "google.golang.org/grpc/interop/grpc_testing"
)

// An interopCase is one of gRPC's interoperability test descriptions, under its name there.
//
// Not here are those that need credentials of a cloud, those that Go's client and server do not have
// (cacheable_unary, and client_compressed_unary with its like), pick_first_unary, which needs several
// servers that say who they are, and orca_oob, because servers outside of gRPC's own tree report
// every 30 s at most. The stream of those reports, which nobody ends, is part of orca_per_rpc.
type interopCase struct {
	name string
	run  func(context.Context, *client)
	// cut says that the client gives its call up, at a moment that nothing decides.
	cut bool
	// balancer is the client's policy, by its name. It makes a call of its own, and gives it up.
	balancer string
}

var cases = []interopCase{
	{name: "empty_unary", run: plain(interop.DoEmptyUnaryCall)},
	{name: "large_unary", run: plain(interop.DoLargeUnaryCall)},
	{name: "client_streaming", run: plain(interop.DoClientStreaming)},
	{name: "server_streaming", run: plain(interop.DoServerStreaming)},
	{name: "ping_pong", run: plain(interop.DoPingPong)},
	{name: "empty_stream", run: plain(interop.DoEmptyStream)},
	{name: "timeout_on_sleeping_server", run: plain(interop.DoTimeoutOnSleepingServer), cut: true},
	{name: "cancel_after_begin", run: plain(interop.DoCancelAfterBegin), cut: true},
	{name: "cancel_after_first_response", run: plain(interop.DoCancelAfterFirstResponse), cut: true},
	{name: "status_code_and_message", run: plain(interop.DoStatusCodeAndMessage)},
	{name: "special_status_message", run: plain(interop.DoSpecialStatusMessage)},
	{name: "custom_metadata", run: plain(interop.DoCustomMetadata)},
	{name: "unimplemented_method", run: func(ctx context.Context, c *client) { interop.DoUnimplementedMethod(ctx, c.conn) }},
	{name: "unimplemented_service", run: func(ctx context.Context, c *client) {
		interop.DoUnimplementedService(ctx, pb.NewUnimplementedServiceClient(c.conn))
	}},
	{name: "rpc_soak", run: rpcSoak},
	{name: "channel_soak", run: channelSoak},
	{name: "orca_per_rpc", run: orcaPerRPC, balancer: orcaBalancer},

	{name: "large_unary in gzip", run: packed(interop.DoLargeUnaryCall)},
	{name: "client_streaming in gzip", run: packed(interop.DoClientStreaming)},
	{name: "server_streaming in gzip", run: packed(interop.DoServerStreaming)},
	{name: "ping_pong in gzip", run: packed(interop.DoPingPong)},
}

// orcaBalancer is the policy that takes note of servers' load reports.
const orcaBalancer = "test_backend_metrics_load_balancer"

// A call of package interop.
type do func(context.Context, pb.TestServiceClient, ...grpc.CallOption)

func plain(run do) func(context.Context, *client) {
	return func(ctx context.Context, c *client) { run(ctx, c) }
}

// packed compresses the messages. The server then does, too.
func packed(run do) func(context.Context, *client) {
	return func(ctx context.Context, c *client) { run(ctx, c, grpc.UseCompressor("gzip")) }
}

func orcaPerRPC(ctx context.Context, c *client) { interop.DoORCAPerRPCTest(ctx, c) }

// rpcSoak makes calls over one connection, channelSoak each over its own.
func rpcSoak(ctx context.Context, c *client) {
	soak(ctx, func() (*grpc.ClientConn, func()) { return c.conn, func() {} })
}

func channelSoak(ctx context.Context, c *client) {
	soak(ctx, func() (*grpc.ClientConn, func()) {
		conn := c.dial()
		return conn, func() { conn.Close() }
	})
}

func soak(ctx context.Context, channel func() (*grpc.ClientConn, func())) {
	interop.DoSoakTest(ctx, interop.SoakTestConfig{
		RequestSize: 27182, ResponseSize: 31415, Iterations: 12, NumWorkers: 3,
		PerIterationMaxAcceptableLatency: patience, OverallTimeout: patience,
		ChannelForTest: channel,
	})
}

// patience is how long a case may take.
const patience = 30 * time.Second
