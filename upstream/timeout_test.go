package upstream

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"tain.dev/tain/netloop"
	"tain.dev/tain/route"
)

// expectOverdue holds that an error is a timeout, and what it says.
func expectOverdue(t *testing.T, what string, err error, says string) {
	t.Helper()
	if !errors.Is(err, netloop.ErrTimeout) || !strings.Contains(err.Error(), says) {
		t.Errorf("%s: %v, want a timeout that says %q", what, err, says)
	}
}

// TestTimeoutsOfConnectingSaySo: which setting it was, and how long it let the server.
func TestTimeoutsOfConnectingSaySo(t *testing.T) {
	f := func(url string, own, asked time.Duration, says string) {
		t.Helper()
		r := newRig(t, nil, url, &route.Options{ConnectTimeout: own})
		r.in(func() {
			_, _, err := r.pool.Take(&Ask{Timeout: asked})
			expectOverdue(t, url, err, says)
			if OutcomeOf(err) != ConnectFailed {
				t.Errorf("%s: %v says %v of the server", url, err, OutcomeOf(err))
			}
		})
	}
	silent := newByHand(t).addr
	for _, scheme := range []string{"https", "h2"} {
		f(urlOf(scheme, silent), 20*time.Millisecond, patience, "TLS handshake with "+silent+": not done within 20ms (its connectTimeout); see")
		f(urlOf(scheme, silent), 0, 20*time.Millisecond, "not done within 20ms (proxy.connectTimeout); see")
	}
	full := fullPort(t)
	f(urlOf("http", full), 20*time.Millisecond, patience, "connecting to "+full+": not done within 20ms (its connectTimeout); see")
}

// TestTimeoutsOfAnswersSaySo: who did not do what, and how long it had.
func TestTimeoutsOfAnswersSaySo(t *testing.T) {
	leave := make(chan struct{})
	srv := newSite(t, nil, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/half" {
			w.Header().Set("Content-Length", "10")
			w.Write([]byte("half"))
			w.(http.Flusher).Flush()
		}
		<-leave
	})
	t.Cleanup(func() { close(leave) }) // before the server waits for its handlers
	for _, scheme := range []string{"http", "h2c"} {
		r := newRig(t, nil, urlOf(scheme, srv.addr), nil)
		f := func(path string, says string, use func(Carrier) error) {
			t.Helper()
			r.in(func() {
				c := r.take(anyone())
				c.SetDeadline(50 * time.Millisecond)
				err := use(c)
				expectOverdue(t, scheme+" "+path, err, "the backend "+srv.addr+" "+says+" within 50ms (")
				c.Abort(OutcomeOf(err))
			})
		}
		f("/", noAnswer, func(c Carrier) error { return ask(c, "/") })
		f("/half", noMore, func(c Carrier) error { return ask(c, "/half") })
		f("/upload", noTaking, func(c Carrier) error {
			err := c.Send([]byte("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), nil, RestChunked)
			for err == nil {
				err = c.SendBody(make([]byte, 64<<10), false, nil)
			}
			return err
		})
		if n := r.cluster.Servers()[0].failed.Load(); n != 3 {
			t.Errorf("%s: %d failures are counted", scheme, n)
		}
	}
}

// ask sends a request and reads its answer.
func ask(c Carrier, path string) error {
	if err := c.Send([]byte(get(path)), nil, RestNone); err != nil {
		return err
	}
	_, err := read(c)
	return err
}
