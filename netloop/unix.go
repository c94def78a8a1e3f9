package netloop

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// unixMode lets the owner and the group of a Unix socket connect.
const unixMode = 0o660

func listenUnix(path string) (*Listener, error) {
	name := unixScheme + path
	if err := checkPath(path); err != nil {
		return nil, fmt.Errorf("listening at %s: %w", name, err)
	}
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if errors.Is(err, unix.EADDRINUSE) && stale(path) {
		os.Remove(path)
		ln, err = net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	}
	if errors.Is(err, unix.EADDRINUSE) {
		err = fmt.Errorf("%w: somebody listens there, or the file is no socket", err)
	}
	if err != nil {
		return nil, err
	}
	ln.SetUnlinkOnClose(false)
	defer ln.Close()
	l, err := newListener(name, ln.Addr(), ln.File)
	if err == nil {
		if err = l.claim(path); err != nil {
			l.Close()
			err = fmt.Errorf("listening at %s: %w", name, err)
		}
	}
	if err != nil {
		os.Remove(path)
		return nil, err
	}
	return l, nil
}

// stale says that path is a socket at which nobody listens, as a process leaves it that did not end
// in good order.
func stale(path string) bool {
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != os.ModeSocket {
		return false
	}
	c, err := net.Dial("unix", path)
	if err == nil {
		c.Close()
	}
	return errors.Is(err, unix.ECONNREFUSED)
}

// claim sets the mode of the socket's file, and remembers which file it is.
func (ln *Listener) claim(path string) error {
	if err := os.Chmod(path, unixMode); err != nil {
		return err
	}
	info, err := os.Lstat(path)
	ln.path = info
	return err
}
