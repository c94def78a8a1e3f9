package console

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"

	"tain.dev/tain/config"
)

func TestListenErrors(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	busy := taken.Addr().String()

	f := func(cfg config.Config, want string) {
		t.Helper()
		err := newWorld().console(cfg).Listen()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Listen: %v\nwant: %s", err, want)
		}
	}
	f(config.Config{Admin: busy}, "--admin "+busy+": address already in use; another tain? choose another with --admin, or --admin off")
	f(config.Config{Admin: "127.0.0.1:0", Health: busy}, "--health "+busy+": address already in use; another tain? choose another with --health, or --health off")
	f(config.Config{Admin: "192.0.2.1:9780"}, "this machine has no such address; choose another with --admin")
	f(config.Config{Admin: "9780"}, "--admin 9780: listen tcp: address 9780: missing port in address; choose another with --admin")
}

func TestListenErrorKeepsItsCause(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if _, err := listen("--admin", taken.Addr().String()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("%v is not %v", err, syscall.EADDRINUSE)
	}
}

func TestListenLeavesNothingOpen(t *testing.T) {
	c := newWorld().console(config.Config{Admin: "127.0.0.1:0", Health: "nowhere"})
	if err := c.Listen(); err == nil {
		t.Fatal("no error")
	}
	if nc, err := net.Dial("tcp", c.AdminAddr().String()); err == nil {
		nc.Close()
		t.Error("the admin API is left open")
	}
}

func TestListenWarnsBeyondLoopback(t *testing.T) {
	f := func(addr string, want bool) {
		t.Helper()
		w := newWorld()
		c := w.console(config.Config{Admin: addr})
		if err := c.Listen(); err != nil {
			t.Fatal(err)
		}
		c.admin.Close()
		if got := strings.Contains(w.log.String(), "no passwords"); got != want {
			t.Errorf("%s: warns %v, want %v; log: %s", addr, got, want, &w.log)
		}
	}
	f("127.0.0.1:0", false)
	f("localhost:0", false)
	f("0.0.0.0:0", true)
	f(":0", true)
}
