package mirror

import (
	"net/http"
	"testing"
	"time"

	"tain.dev/tain/test/wire"
	"tain.dev/tain/traffic"
)

// startQuitter starts a server of HTTP/2 that resets each stream after some time.
func startQuitter(t testing.TB, after time.Duration) (addr string) {
	t.Helper()
	return wire.ServeHTTP(t, func(http.ResponseWriter, *http.Request) {
		<-time.After(after)
		panic(http.ErrAbortHandler)
	})
}

// TestOverdueCopies holds that a target is not blamed for the end of a call whose time was over, as its
// user had set it.
func TestOverdueCopies(t *testing.T) {
	f := func(kind, patience string, why traffic.Failed, want flow) {
		t.Helper()
		live := startFaulty(t, "ok")
		target := startQuitter(t, 100*time.Millisecond)
		r := start(t, plain(), "route all\nbackend http://"+live.Addr+"\nmirror v2 100%\nwrites\nto h2c://"+target+" v2\n")
		req, err := http.NewRequest("POST", "http://"+r.addr+"/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", kind)
		req.Header.Set("Grpc-Timeout", patience)
		asker := client(t, 1)
		resp, err := asker.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		r.waitFor(t, "v2", "seen 1\nsent 1\nfailed "+why.String()+" 1\n")
		if got := r.sender(); got != want {
			t.Errorf("%s, %s: window and failures are %v, want %v", kind, patience, got, want)
		}
		asker.CloseIdleConnections()
	}
	blamed, free := flow{1, 1}, flow{firstWindow, 0}
	f("application/grpc", "100m", traffic.FailedTimeout, free)
	f("application/grpc+proto", "1n", traffic.FailedTimeout, free)
	f("application/grpc", "10S", traffic.FailedReset, blamed)
	f("application/grpc", "soon", traffic.FailedReset, blamed)
	f("application/json", "100m", traffic.FailedReset, blamed)
}
