package http2

import (
	"testing"
	"time"
)

func TestGRPCTimeout(t *testing.T) {
	f := func(value string, want time.Duration) {
		t.Helper()
		if got := GRPCTimeout([]byte(value)); got != want {
			t.Errorf("%q is %v, want %v", value, got, want)
		}
	}
	f("1H", time.Hour)
	f("90M", 90*time.Minute)
	f("5S", 5*time.Second)
	f("100m", 100*time.Millisecond)
	f("99999999u", 99999999*time.Microsecond)
	f("007n", 7)
	f("0S", 1) // it has passed
	f("99999999S", 99999999*time.Second)
	f("99999999H", 0) // nobody waits that long
	for _, bad := range []string{"", "S", "1", "1x", "1s", "-1S", "+1S", "1.5S", " 1S", "1S ", "1_0S", "123456789S", "0x1S"} {
		f(bad, 0)
	}
}

func FuzzGRPCTimeout(f *testing.F) {
	f.Add([]byte("100m"))
	f.Add([]byte("99999999H"))
	f.Fuzz(func(t *testing.T, value []byte) {
		if d := GRPCTimeout(value); d < 0 || d > 10*365*24*time.Hour {
			t.Errorf("%q is %v", value, d)
		}
	})
}

// Calls of gRPC are told by their media type.
func TestIsGRPC(t *testing.T) {
	f := func(kind string, want bool) {
		t.Helper()
		if got := IsGRPC([]byte(kind)); got != want {
			t.Errorf("%q is gRPC: %v, want %v", kind, got, want)
		}
	}
	f("application/grpc", true)
	f("application/grpc+proto", true)
	f("application/grpc;charset=utf-8", true)
	f("application/grpc-web", false)
	f("application/grpcx", false)
	f("application/json", false)
	f("", false)
}
