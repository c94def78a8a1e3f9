//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// streaming is one large body through tain, mirrored, with the same protocol on all sides.
type streaming struct {
	protocol
	upload bool
	size   int64

	live, target, tain *server
	user               digest // what the user sent or received
	took               time.Duration
}

// stream moves large bodies down and up, and checks every byte.
func (b *bench) stream() error {
	for _, p := range []protocol{http1, http2} {
		for _, upload := range []bool{false, true} {
			s := &streaming{protocol: p, upload: upload, size: int64(b.gigabytes * 1e9)}
			rows, err := b.streamOnce(s)
			b.stopAll()
			if b.ctx.Err() != nil {
				return b.ctx.Err()
			}
			if err != nil {
				b.report.note(s.name() + ": " + err.Error())
				rows = []row{{What: s.name(), Limit: limit{Must: 100}, Note: "not measured"}}
			}
			b.report.add(rows...)
		}
	}
	b.report.note("The largest resident size (VmHWM) of tain. A fault is a live body whose size or SHA-256 is not the same at both ends, a copy that is neither identical nor counted, or books that do not balance. `maxBody` of the mirror and `drainAnswer` are 1 TiB, so that nothing but memory and pace ends a copy.")
	return nil
}

func (s *streaming) name() string {
	direction := "download"
	if s.upload {
		direction = "upload"
	}
	return fmt.Sprintf("%s of %s GB, %s", direction, number(float64(s.size)/1e9), s.protocol.name)
}

// streamOnce streams through a fresh tain, to fresh origins.
func (b *bench) streamOnce(s *streaming) ([]row, error) {
	if err := b.startStreaming(s); err != nil {
		return nil, err
	}
	// Slower than this hangs.
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second+time.Duration(s.size/10e6)*time.Second)
	defer cancel()
	if err := s.exchange(ctx); err != nil {
		return nil, fmt.Errorf("%w: tain says: %s", err, s.tain.tail())
	}
	books, err := b.settled(s.tain, 30*time.Second+10*s.took)
	if err != nil {
		return nil, err
	}
	faults, copied, err := b.judge(s, &books)
	if err != nil {
		return nil, err
	}
	peak, err := s.tain.resident("VmHWM")
	if err != nil {
		return nil, err
	}
	return []row{
		{What: s.name(), Measured: single(float64(peak)/(1<<20), "MiB"), Limit: limit{Must: 100},
			Note: fmt.Sprintf("%.0f MB/s; %s", float64(s.size)/1e6/s.took.Seconds(), copied)},
		{What: s.name() + ", checked", Measured: count(len(faults), "faults"), Limit: limit{None: true}, Note: strings.Join(faults, "; ")},
	}, nil
}

func (b *bench) startStreaming(s *streaming) (err error) {
	if s.live, err = b.origin("live"); err != nil {
		return err
	}
	if s.target, err = b.origin("target"); err != nil {
		return err
	}
	s.tain, err = b.configured(fmt.Sprintf(`listen: ADDR
mirror: {drainAnswer: 1TiB}
routes:
- name: stream
  backends: %[1]s://%[2]s
  mirrors:
  - {name: all, targets: "%[1]s://%[3]s", writes: true, maxBody: 1TiB, timeout: 1h}
`, s.backend, s.live.addr, s.target.addr))
	return err
}

// exchange makes the one request.
func (s *streaming) exchange(ctx context.Context) error {
	c, err := s.connect(ctx, s.tain.addr)
	if err != nil {
		return fmt.Errorf("connecting to tain: %w", err)
	}
	defer c.Close()
	began := time.Now()
	defer func() { s.took = time.Since(began) }()
	url := "http://" + s.tain.addr + "/stream/it"
	if s.upload {
		return s.send(ctx, c, url)
	}
	r, err := http.NewRequestWithContext(ctx, "GET", fmt.Sprintf("%s?bytes=%d", url, s.size), nil)
	if err != nil {
		return err
	}
	answer, err := c.RoundTrip(r)
	if err != nil {
		return fmt.Errorf("downloading: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the download was answered with %s", answer.Status)
	}
	s.user = copyDigest(io.Discard, answer.Body)
	return nil
}

// send uploads, and takes the sum of what it has sent while it does.
func (s *streaming) send(ctx context.Context, c *http.ClientConn, url string) error {
	reader, writer := io.Pipe()
	sent := make(chan digest, 1)
	go func() {
		sent <- copyDigest(writer, newPattern(s.size))
		writer.Close()
	}()
	defer reader.Close()
	r, err := http.NewRequestWithContext(ctx, "POST", url, reader)
	if err != nil {
		return err
	}
	r.ContentLength = s.size
	answer, err := c.RoundTrip(r)
	if err != nil {
		return fmt.Errorf("uploading: %w", err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the upload was answered with %s: %v", answer.Status, err)
	}
	s.user = <-sent
	return nil
}

// judge compares the digests of both ends, and says what became of the copy.
func (b *bench) judge(s *streaming, books *account) (faults []string, copied string, err error) {
	live, err := b.digestOf(s.live, "it")
	if err != nil {
		return nil, "", err
	}
	if want := (digest{s.size, live.Sum, true}); s.user != want || live != want {
		faults = append(faults, fmt.Sprintf("live has %+v, the user %+v", live, s.user))
	}
	if books.Imbalance != "" {
		faults = append(faults, books.Imbalance)
	}
	if losses := books.losses(); losses != "" {
		return faults, "the copy is counted as " + losses, nil
	}
	target, err := b.digestOf(s.target, "it")
	if err != nil {
		return nil, "", err
	}
	findings, err := s.tain.findings()
	if err != nil {
		return nil, "", err
	}
	if target != live || books.Compared != 1 || findings > 0 {
		faults = append(faults, fmt.Sprintf("the target has %+v, live %+v; %d pairs compared, %d findings", target, live, books.Compared, findings))
		return faults, "the copy differs", nil
	}
	return faults, "the copy is identical", nil
}

// findings is how many findings tain has.
func (s *server) findings() (int, error) {
	var page struct {
		Total int `json:"total"`
	}
	err := s.ask("/api/v1/findings", &page)
	return page.Total, err
}
