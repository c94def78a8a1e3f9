package http2

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// tool finds a program, without which the test is skipped, or fails in CI.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is not installed", name)
		}
		t.Skipf("%s is not installed", name)
	}
	return path
}

func TestNetHTTPClient(t *testing.T) {
	r := newRig(t)
	addr := r.serve(nil, echo)
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: protocols}}
	resp, err := client.Post("http://"+addr+"/x", "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if string(body) != "hello" || err != nil || resp.StatusCode != 200 || resp.ProtoMajor != 2 {
		t.Errorf("%s: %q, %v", resp.Status, body, err)
	}
}
