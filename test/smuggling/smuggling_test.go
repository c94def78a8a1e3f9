package smuggling

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"

	"tain.dev/tain/test/wire"
)

// TestCorpus tries every vector of HTTP/1 through tain with each server behind it, in one piece and byte
// by byte.
func TestCorpus(t *testing.T) {
	eachRig(t, "testdata/*.txtar", func(t *testing.T, r *rig, v vector) (requests int) {
		sent := wire.Unescape(v.sent)
		pieces := []int{len(sent)}
		if r.split {
			pieces = append(pieces, 1+len(sent)/500)
		}
		for _, piece := range pieces {
			requests = r.try(t, v.want, func() []outcome {
				got, err := r.talk(t, sent, piece)
				checkAnswers(t, r.live.name, v.want, got, err)
				return nil
			})
		}
		return requests
	})
}

// try asks for what should come to an end as want says, with more good requests, and then for a probe over
// a connection of its own. It returns how many requests besides these live saw.
func (r *rig) try(t *testing.T, want []outcome, ask func() (more []outcome)) (requests int) {
	t.Helper()
	_, mark := r.live.seen(0)
	more := ask()

	r.probes++
	probe := outcome{method: "GET", target: fmt.Sprintf("/probe/%d", r.probes), host: "probe"}
	asked := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: probe\r\n\r\n", probe.target)
	got, err := r.talk(t, asked, len(asked))
	checkAnswers(t, r.live.name, []outcome{probe}, got, err)

	good := append(more, probe)
	want = slices.Concat(want, good)
	_, least, most := forwarded(want)
	before := r.seen
	r.seen = r.tain.Books(t)["seen"]
	begun := r.seen - before
	if begun < least || begun > most {
		t.Errorf("tain says that it forwarded %d requests, want %d to %d with the good ones", begun, least, most)
	}
	seen := r.sights(t, mark, want)
	checkSights(t, r.live.name, want, seen)
	r.broken += begun - len(seen)
	r.excuse(want)
	return len(seen) - len(good)
}

// sights waits until live has noted what it should see behind the mark, of which the probe comes last, and
// returns what it has noted. A request that it answered before the end of its body may be noted after the probe.
func (r *rig) sights(t *testing.T, mark int, want []outcome) (seen []sight) {
	t.Helper()
	want = whole(r.live.name, want)
	probe := want[len(want)-1]
	at := -1
	wire.Until(t, fmt.Sprintf("%s to see %v", r.live.name, want), func() bool {
		seen, _ = r.live.seen(mark)
		at = slices.IndexFunc(seen, func(s sight) bool { return s.Target == probe.target })
		return at >= 0 && len(seen) >= len(want)
	})
	last := seen[at]
	return append(slices.Delete(seen, at, at+1), last)
}

// talk sends text in pieces over a connection of its own, ends it, and returns all that comes back until
// the end of the connection. The error says that it broke.
func (r *rig) talk(t *testing.T, text string, piece int) (got []byte, err error) {
	t.Helper()
	c := r.dial(t, "http/1.1")
	defer c.Close()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		got, err = io.ReadAll(c)
	}()
	r.sends(c, text, piece, ended)
	c.CloseWrite() // fails where tain has closed already
	<-ended
	return got, err
}

// sends sends text in pieces. It stops when tain has refused the request and reads no more, since what is sent
// then breaks the connection.
func (r *rig) sends(c io.Writer, text string, piece int, ended <-chan struct{}) {
	for part := range slices.Chunk([]byte(text), piece) {
		select {
		case <-ended:
			return
		default:
		}
		if _, err := c.Write(part); err != nil {
			return
		}
	}
}

// checkAnswers asserts that the client got the answers to its requests, in order, and nothing else.
func checkAnswers(t *testing.T, server string, want []outcome, got []byte, broken error) {
	t.Helper()
	silent := want[len(want)-1].silent(len(got) == 0)
	if broken != nil && !silent && !mayBreak(server, want) {
		t.Errorf("reading the answers: %v, after %q", broken, got)
	}
	in := bufio.NewReader(bytes.NewReader(got))
	for i, o := range want {
		answer, err := readAnswer(in, o.method)
		if o.silent(len(got) == 0) && err == io.ErrUnexpectedEOF {
			continue // at most 100 (Continue) came
		}
		if err != nil && (broken != nil || mayBreak(server, want[i:i+1])) {
			return
		}
		if err != nil {
			t.Errorf("reading answer %d: %v, of %.500q", i+1, err, got)
			return
		}
		o.checkAnswer(t, server, answer)
	}
	if rest, _ := io.ReadAll(in); len(rest) > 0 {
		t.Errorf("the client got more than its answers: %.500q", rest)
	}
}

// silent says whether tain ends the connection without a final answer.
func (o outcome) silent(noBytes bool) bool {
	return o.status == 0 && (o.method == "" || o.cut) || o.early && noBytes
}

// mayBreak says whether the server may answer by itself before it has read a body, and then reset the
// connection, which may cost the answer, or its end.
func mayBreak(server string, want []outcome) bool {
	return slices.ContainsFunc(want, func(o outcome) bool { return o.own[server] != 0 && o.body != "" })
}

// readAnswer reads the final answer to a request with that method, whole.
func readAnswer(in *bufio.Reader, method string) (*http.Response, error) {
	for {
		answer, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			return nil, err
		}
		if _, err := io.ReadAll(answer.Body); err != nil {
			return nil, err
		}
		if answer.StatusCode >= 200 {
			return answer, nil
		}
	}
}

func (o outcome) checkAnswer(t *testing.T, server string, answer *http.Response) {
	t.Helper()
	saw := answer.Header.Get("Saw")
	if o.status != 0 { // tain's own
		if answer.StatusCode != o.status || saw != "" || !answer.Close {
			t.Errorf("the answer is %d, of a server that saw %q; want tain's own %d, and that it closes", answer.StatusCode, saw, o.status)
		}
		return
	}
	status := http.StatusOK
	if own := o.own[server]; own != 0 {
		status = own
	}
	if ours := status != http.StatusOK || saw == o.method+" "+o.target; answer.StatusCode != status || !ours {
		t.Errorf("the answer is %d, of a server that saw %q; want %d and %s %s", answer.StatusCode, saw, status, o.method, o.target)
	}
}

// whole lists what the server gets whole, and takes.
func whole(server string, want []outcome) []outcome {
	return slices.DeleteFunc(slices.Clone(want), func(o outcome) bool {
		return o.method == "" || o.cut || o.own[server] == http.StatusBadRequest || o.own[server] == http.StatusBadGateway
	})
}

// checkSights asserts that the server saw the requests that tain forwarded whole, and no other.
func checkSights(t *testing.T, server string, want []outcome, seen []sight) {
	t.Helper()
	want = whole(server, want)
	if len(seen) != len(want) {
		t.Errorf("%s saw %d requests, want %d with the probe: %v", server, len(seen), len(want), seen)
		return
	}
	for i, o := range want {
		s := seen[i]
		sameHost := o.host == "" || s.Host == o.host
		// A server that answers by itself may have no use for the body.
		sameBody := s.Body == o.body || o.own[server] != 0 && s.Body == ""
		if s.Method != o.method || s.Target != o.target || !sameHost || !sameBody {
			t.Errorf("%s saw as request %d\n%v, want\n%s %s host=%s %q", server, i+1, s, o.method, o.target, o.host, o.body)
		}
	}
}
