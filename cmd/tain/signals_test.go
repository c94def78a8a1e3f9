package main

import (
	"testing"

	"github.com/creack/pty"
)

func TestTerminalsGone(t *testing.T) {
	f := func(close bool) {
		t.Helper()
		window, terminal, err := pty.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer terminal.Close()
		defer window.Close()
		open := terminals{int(terminal.Fd())}
		if close {
			window.Close()
		}
		if got := open.gone(); got != close {
			t.Errorf("gone: %v, want %v", got, close)
		}
	}
	f(false)
	f(true)
	if (terminals{}).gone() {
		t.Error("tain never had a terminal, and it is gone")
	}
}
