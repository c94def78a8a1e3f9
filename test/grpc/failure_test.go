package grpc

import (
	"fmt"
	"io"
	"testing"

	"google.golang.org/grpc/grpclog"
)

// A failure is what a case of package interop has to say when it fails.
type failure string

// thrower makes failures out of what would end the process: the cases fail by a fatal log entry.
type thrower struct{ grpclog.LoggerV2 }

func (thrower) Fatal(args ...any)                 { panic(failure(fmt.Sprint(args...))) }
func (thrower) Fatalln(args ...any)               { panic(failure(fmt.Sprintln(args...))) }
func (thrower) Fatalf(format string, args ...any) { panic(failure(fmt.Sprintf(format, args...))) }

// The logger may only be set before gRPC does anything.
func init() {
	grpclog.SetLoggerV2(thrower{grpclog.NewLoggerV2(io.Discard, io.Discard, io.Discard)})
}

// attempt returns what a case failed with, or "".
func attempt(run func()) (failed failure) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case failure:
			failed = p
		default:
			panic(p)
		}
	}()
	run()
	return ""
}

func TestAttempt(t *testing.T) {
	logger := grpclog.Component("test")
	if got := attempt(func() { logger.Fatalf("%d is odd", 3) }); got != "[test] 3 is odd\n" {
		t.Errorf("a case that fails has to say %q", got)
	}
	if got := attempt(func() {}); got != "" {
		t.Errorf("a case that passes has to say %q", got)
	}
}
