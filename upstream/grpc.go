package upstream

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// askGRPC calls grpc.health.v1.Health/Check. The few bytes of protobuf are written and read here:
// the libraries for them would be larger than tain.
//
//	message HealthCheckRequest  { string service = 1; }
//	message HealthCheckResponse { ServingStatus status = 1; }  // an enum
func (c *Cluster) askGRPC(ctx context.Context, s *Server) error {
	body := appendHealthRequest(nil, c.options.Check.Service)
	r, err := c.request(ctx, s, http.MethodPost, "/grpc.health.v1.Health/Check", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/grpc")
	r.Header.Set("TE", "trailers")
	return c.roundTrip2(s, r, readHealth)
}

// maxHealth bounds the body of an answer, in bytes.
const maxHealth = 4 << 10

func readHealth(answer *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxHealth+1))
	if err != nil {
		return err
	}
	if len(body) > maxHealth {
		return errHealth
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers a gRPC call with HTTP status %d", answer.StatusCode)
	}
	status := answer.Trailer
	if answer.Header.Get("Grpc-Status") != "" {
		status = answer.Header // there is no message, and so no trailer
	}
	switch code := status.Get("Grpc-Status"); code {
	case "0":
	case "5":
		return errors.New("it does not know the service that the check names (gRPC status 5)")
	case "12":
		return errors.New("it does not implement grpc.health.v1 (gRPC status 12)")
	case "":
		return errors.New("its answer is not one of gRPC: there is no grpc-status")
	default:
		return fmt.Errorf("gRPC status %s %q", code, status.Get("Grpc-Message"))
	}
	serving, err := parseHealth(body)
	if err == nil && serving != servingStatus {
		err = fmt.Errorf("it says %s", servingName(serving))
	}
	return err
}

// servingStatus is the status of a server that is well.
const servingStatus = 1

func servingName(status uint64) string {
	names := [...]string{"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"}
	if status < uint64(len(names)) {
		return names[status]
	}
	return fmt.Sprintf("status %d", status)
}

// appendHealthRequest appends a message of gRPC: a byte that is 0 for no compression, the length in
// four, and a HealthCheckRequest.
func appendHealthRequest(dst []byte, service string) []byte {
	var message []byte
	if service != "" {
		message = append(message, 1<<3|wireBytes)
		message = binary.AppendUvarint(message, uint64(len(service)))
		message = append(message, service...)
	}
	dst = binary.BigEndian.AppendUint32(append(dst, 0), uint32(len(message)))
	return append(dst, message...)
}

// The forms of a protobuf field.
const (
	wireVarint = 0
	wire8      = 1
	wireBytes  = 2
	wire4      = 5
)

var errHealth = errors.New("its answer is not a HealthCheckResponse")

// parseHealth returns the status in a message of gRPC that holds a HealthCheckResponse.
func parseHealth(b []byte) (status uint64, err error) {
	if len(b) < 5 || b[0] != 0 || uint64(binary.BigEndian.Uint32(b[1:])) != uint64(len(b)-5) {
		return 0, errHealth
	}
	for b = b[5:]; len(b) > 0; {
		tag, n := binary.Uvarint(b)
		if n <= 0 {
			return 0, errHealth
		}
		b = b[n:]
		value, n := field(b, tag&7)
		if n < 0 {
			return 0, errHealth
		}
		if tag == 1<<3|wireVarint {
			status = value
		}
		b = b[n:]
	}
	return status, nil
}

// field returns the length of the field that b begins with, and its value if it is a varint. It is
// negative if there is no such field.
func field(b []byte, wire uint64) (value uint64, n int) {
	switch wire {
	case wireVarint:
		if value, n = binary.Uvarint(b); n == 0 {
			n = -1
		}
	case wire8:
		n = 8
	case wire4:
		n = 4
	case wireBytes:
		size, prefix := binary.Uvarint(b)
		if prefix <= 0 || size > uint64(len(b)) {
			return 0, -1
		}
		n = prefix + int(size)
	default:
		return 0, -1
	}
	if n > len(b) {
		return 0, -1
	}
	return value, n
}
