// Package grpc sends gRPC through the built tain: the interoperability cases of gRPC, with their own
// client and server, over cleartext HTTP/2 and over TLS, with and without a mirror. What the server
// got is compared with what the mirror's target got, message by message. And gRPC-Web, over each version
// of HTTP.
package grpc
