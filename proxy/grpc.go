package proxy

import (
	"net/http"
	"strconv"

	"tain.dev/tain/http1"
	"tain.dev/tain/http2"
)

// readGRPC notes whether the request is one of gRPC, and by when its user wants the answer.
// ("gRPC over HTTP2", PROTOCOL-HTTP2.md.)
func (r *request) readGRPC() {
	kind, _ := r.in.Get(http1.ContentType)
	r.grpc = r.h2.stream != nil && http2.IsGRPC(kind) // over HTTP/1.1 it would only be a way past time-outs
	if !r.grpc {
		return
	}
	if value, ok := r.in.Lookup("grpc-timeout"); ok {
		if d := http2.GRPCTimeout(value); d > 0 {
			r.until, r.hasty = r.at+int64(d), true
		}
	}
}

// The codes of gRPC that tain's own answers have.
const (
	grpcUnknown          = 2
	grpcDeadlineExceeded = 4
	grpcPermissionDenied = 7
	grpcExhausted        = 8
	grpcUnimplemented    = 12
	grpcInternal         = 13
	grpcUnavailable      = 14
	grpcUnauthenticated  = 16
)

// grpcCode is what a status of HTTP means to a client of gRPC ("HTTP to gRPC status code mapping").
// Time-outs and limits have codes of their own, which that document leaves to the proxy.
func grpcCode(status int) int {
	switch status {
	case http.StatusBadRequest:
		return grpcInternal
	case http.StatusUnauthorized:
		return grpcUnauthenticated
	case http.StatusForbidden:
		return grpcPermissionDenied
	case http.StatusNotFound:
		return grpcUnimplemented
	case http.StatusRequestEntityTooLarge, http.StatusRequestHeaderFieldsTooLarge:
		return grpcExhausted
	case http.StatusGatewayTimeout, http.StatusRequestTimeout:
		return grpcDeadlineExceeded
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable:
		return grpcUnavailable
	}
	return grpcUnknown
}

// appendGRPCStatus writes the fields of an answer of tain's own as a client of gRPC reads it: status and
// message stand in a head that is the whole answer ("Trailers-Only").
func appendGRPCStatus(a []byte, status int, reason string) []byte {
	a = append(a, "Content-Type: application/grpc\r\nGrpc-Status: "...)
	a = strconv.AppendInt(a, int64(grpcCode(status)), 10)
	a = append(a, "\r\nGrpc-Message: tain: "...)
	for i := range len(reason) { // percent-encoding of what is not printable ASCII
		if c := reason[i]; c < ' ' || c > '~' || c == '%' {
			a = append(a, '%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
		} else {
			a = append(a, c)
		}
	}
	return append(a, "\r\n"...)
}
