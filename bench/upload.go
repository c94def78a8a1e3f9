//go:build linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

const (
	uploadSize = 50_000_000
	// uploadCut is when an upload counts as hanging.
	uploadCut = 30 * time.Second
	// peerRounds is how often the peers upload at most: one that hangs does so for uploadCut.
	peerRounds = 3
)

// uploader is one proxy with and without a mirror whose target reads nothing.
type uploader struct {
	name   string
	start  func(live, target string) (*server, error) // target is "" for no mirror
	rounds int
	limit  limit
}

// upload compares the time of one large live upload with and without the mirror.
func (b *bench) upload() error {
	live, err := b.faulty("ok") // reads the whole body before it answers
	if err != nil {
		return err
	}
	stuck, err := b.faulty("accept-never-read")
	if err != nil {
		return err
	}
	for _, u := range []uploader{
		{"tain", b.uploadTain(), b.rounds, limit{Must: 1.10, Aim: 1.03}},
		{"tain, the copy begun", b.uploadTain("--max-copy-body", "64MiB"), b.rounds, limit{Must: 1.10, Aim: 1.03}},
		{"nginx with `mirror`", b.nginxProxy, peerRounds, limit{}},
		{"Envoy with `request_mirror_policies`", b.envoyProxy, peerRounds, limit{}},
	} {
		if err := b.compareUploads(u, live.addr, stuck.addr); err != nil {
			if b.ctx.Err() != nil {
				return err
			}
			b.report.note(u.name + ": " + err.Error())
		}
	}
	b.report.note("tain runs with `--writes`. By default it copies no body that says to be over 1 MiB; with `--max-copy-body 64MiB` the copy is begun. Ratio: to the same proxy without a mirror, in the same round.")
	return nil
}

func (b *bench) uploadTain(flags ...string) func(live, target string) (*server, error) {
	return func(live, target string) (*server, error) {
		args := append([]string{"--writes"}, flags...)
		if target == "" {
			return b.tain(live, append(args, "--to", "http://"+live, "--percent", "0")...)
		}
		return b.tain(live, append(args, "--to", "http://"+target)...)
	}
}

func (b *bench) compareUploads(u uploader, live, stuck string) error {
	var off, on []float64
	note := ""
	for range u.rounds {
		for _, target := range []string{"", stuck} {
			took, err := b.uploadOnce(u, live, target)
			if errors.Is(err, os.ErrDeadlineExceeded) && target != "" {
				note = fmt.Sprintf("no answer after %v", uploadCut)
			} else if err != nil {
				return err
			}
			if target == "" {
				off = append(off, took.Seconds()*1e3)
			} else {
				on = append(on, took.Seconds()*1e3)
			}
		}
		if note != "" {
			break
		}
	}
	b.report.add(row{What: u.name + ", mirroring off", Measured: middle("ms", off)},
		row{What: u.name, Measured: middle("ms", on), Ratio: middle("", ratios(on, off)), Limit: u.limit, Note: note})
	return nil
}

// uploadOnce uploads through a fresh proxy, over a connection of its own.
func (b *bench) uploadOnce(u uploader, live, target string) (time.Duration, error) {
	s, err := u.start(live, target)
	if err != nil {
		return 0, err
	}
	defer b.stop(s)
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	began := time.Now()
	c.SetDeadline(began.Add(uploadCut))
	err = send(c, uploadSize)
	return time.Since(began), err
}

// send posts size bytes and waits for a 200.
func send(c net.Conn, size int) error {
	if _, err := fmt.Fprintf(c, "POST /upload HTTP/1.1\r\nHost: bench\r\nContent-Length: %d\r\n\r\n", size); err != nil {
		return fmt.Errorf("uploading: %w", err)
	}
	piece := make([]byte, 64<<10)
	for left := size; left > 0; {
		n, err := c.Write(piece[:min(left, len(piece))])
		if err != nil {
			return fmt.Errorf("uploading, %d bytes left: %w", left, err)
		}
		left -= n
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return fmt.Errorf("reading the answer to an upload: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the upload was answered with %s", answer.Status)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}
