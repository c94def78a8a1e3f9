package smuggling

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tain.dev/tain/test/wire"
)

// rig is tain between its users, a live server of one kind, and the target of its mirror.
type rig struct {
	tain         *wire.Tain
	live, target *upstream
	probes       int
	seen         int             // requests that tain has begun to forward so far, by its own books
	broken       int             // requests that live did not get whole, or did not take
	excused      map[string]bool // methods and targets that live does not answer as others do
}

// TestCorpus tries every vector of HTTP/1 through tain with each server behind it, in one piece and byte
// by byte.
func TestCorpus(t *testing.T) {
	eachServer(t, "testdata/*.txtar", func(t *testing.T, r *rig, v vector) (requests int) {
		sent := wire.Unescape(v.sent)
		for _, piece := range []int{1 + len(sent)/500, len(sent)} {
			requests = r.try(t, v.want, func() []outcome {
				got, err := talk(t, r.tain.Addr, sent, piece)
				checkAnswers(t, r.live.name, v.want, got, err)
				return nil
			})
		}
		return requests
	})
}

// eachServer tries the vectors of some files with each server behind tain. try returns how many requests
// of the vector the server saw.
func eachServer(t *testing.T, files string, try func(*testing.T, *rig, vector) int) {
	corpus := vectors(t, files)
	table := newTable(corpus)
	f := func(name string, start func(*testing.T) *upstream) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &rig{live: start(t), target: startGo(t), excused: make(map[string]bool)}
			r.tain = wire.StartMirror(t, r.live.url, r.target.url, "--writes", "--timeout", "20s")
			for i, v := range corpus {
				t.Run(v.class+"/"+v.name, func(t *testing.T) { table.add(i, name, try(t, r, v)) })
			}
			r.end(t)
		})
	}
	t.Cleanup(func() {
		t.Logf("%d vectors, and how many requests of each the servers saw:\n%s", len(corpus), table)
	})
	f("nginx", startNginx)
	f("go", startGo)
	f("node", startNode)
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
	got, err := talk(t, r.tain.Addr, asked, len(asked))
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
	var seen []sight
	wire.Until(t, "the probe in the log of "+r.live.name, func() bool {
		seen, _ = r.live.seen(mark)
		return len(seen) > 0 && seen[len(seen)-1].Target == probe.target
	})
	checkSights(t, r.live.name, want, seen)
	r.broken += begun - len(seen)
	r.excuse(want)
	return len(seen) - len(good)
}

// excuse notes what live may see otherwise than the target of the mirror.
func (r *rig) excuse(want []outcome) {
	for _, o := range want {
		if o.own[r.live.name] != 0 || o.own["go"] != 0 { // the target is Go too
			r.excused[o.method+" "+o.target] = true
		}
	}
}

// talk sends text in pieces over a connection of its own, ends it, and returns all that comes back until
// the end of the connection. The error says that it broke.
func talk(t *testing.T, addr, text string, piece int) ([]byte, error) {
	t.Helper()
	c := wire.Dial(t, "the client", addr).Conn()
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	for part := range slices.Chunk([]byte(text), piece) {
		if _, err := c.Write(part); err != nil {
			break // tain has refused the request and does not read on; what it said counts
		}
	}
	c.CloseWrite()
	return io.ReadAll(c)
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
		if err != nil && broken != nil {
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
// connection, which may cost the answer.
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

// checkSights asserts that the server saw the requests that tain forwarded whole, and no other.
func checkSights(t *testing.T, server string, want []outcome, seen []sight) {
	t.Helper()
	want = slices.DeleteFunc(slices.Clone(want), func(o outcome) bool {
		return o.method == "" || o.cut || o.own[server] == http.StatusBadRequest
	})
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

// end stops all in good order, and asserts that nothing came late, and that the target of the mirror
// saw what live saw, save what no mirror copies.
func (r *rig) end(t *testing.T) {
	books := r.tain.Settled(t)
	r.tain.Stop(t)
	r.live.stop()
	r.target.stop()
	live, all := r.live.seen(0)
	if broken := all - len(live); broken > r.broken {
		t.Errorf("%s saw %d broken requests, want %d at most", r.live.name, broken, r.broken)
	}
	if books["seen"] != len(live)+r.broken {
		t.Errorf("tain forwarded %d requests whole, and %s saw %d", books["seen"]-r.broken, r.live.name, len(live))
	}
	copied, _ := r.target.seen(0)
	excused := func(s sight) bool { return s.Upgrade != "" || r.excused[s.Method+" "+s.Target] }
	diff := difference(slices.DeleteFunc(live, excused), slices.DeleteFunc(copied, excused))
	if diff != "" || books["dropped"] > books["dropped/body"] {
		t.Errorf("the target of the mirror did not see what %s saw; %v:\n%s", r.live.name, books, diff)
	}
}

// difference lists what only one of two servers saw, in any order.
func difference(live, target []sight) string {
	count := make(map[string]int)
	for _, s := range live {
		count[s.String()]++
	}
	for _, s := range target {
		count[s.String()]--
	}
	var text strings.Builder
	for s, n := range count {
		if n != 0 {
			fmt.Fprintf(&text, "%+d %s\n", n, s)
		}
	}
	return text.String()
}
