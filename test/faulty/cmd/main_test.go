package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestRunServesUntilStopped(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	out, stdout := io.Pipe()
	code := make(chan int)
	go func() { code <- run(ctx, []string{"-mode", "close"}, stdout, io.Discard) }()

	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get("http://" + strings.TrimSpace(addr))
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("answer %v, %v", resp, err)
	}
	resp.Body.Close()
	stop()
	if got := <-code; got != exitOK {
		t.Errorf("exit code %d, want %d", got, exitOK)
	}
}

func TestRunEndsAfterItsLife(t *testing.T) {
	if got := run(context.Background(), []string{"-for", "1ms"}, io.Discard, io.Discard); got != exitOK {
		t.Errorf("exit code %d, want %d", got, exitOK)
	}
}

func TestUsage(t *testing.T) {
	f := func(code int, says string, args ...string) {
		t.Helper()
		var stderr bytes.Buffer
		if got := run(context.Background(), args, io.Discard, &stderr); got != code {
			t.Errorf("%q: exit code %d, want %d", args, got, code)
		}
		if !strings.Contains(stderr.String(), says) {
			t.Errorf("%q says %q, want %q", args, stderr.String(), says)
		}
	}
	f(exitOK, "accept-never-read", "-h")
	f(exitUsage, "not defined", "-colour", "red")
	f(exitUsage, "-mode: mode", "-mode", "nice")
	f(exitUsage, `argument "drip"`, "drip")
	f(exitNegative, "-listen nowhere", "-listen", "nowhere")
}
