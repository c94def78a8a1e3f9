package http2

import (
	"testing"

	"tain.dev/tain/netloop"
)

// BenchmarkRequest is a request and its answer over loopback, both sides on one loop, with 64
// streams at a time.
func BenchmarkRequest(b *testing.B) {
	r := newRig(b)
	answerHead := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 27\r\nDate: Mon, 02 Jan 2006 15:04:05 GMT\r\nServer: test\r\n")
	body := []byte(`{"id":1,"name":"something"}`)
	addr := r.serve(nil, func(s *Stream) {
		if s.WriteResponse(answerHead, false) == nil {
			s.SendLast(body, nil)
		}
	})
	requestHead := []byte("GET /api/items?id=17 HTTP/1.1\r\nHost: shop.example.com\r\nUser-Agent: bench/1.0\r\nAccept: application/json\r\nAccept-Encoding: gzip\r\n")
	b.ReportAllocs()
	r.in(func() {
		c := r.client(addr, nil)
		ask := func() error {
			s := c.Open()
			defer s.Close()
			if err := s.WriteRequest(requestHead, "http", true); err != nil {
				return err
			}
			if err := s.ReadHead(); err != nil {
				return err
			}
			for !s.Ended() {
				if err := s.Fill(); err != nil {
					return err
				}
			}
			s.Consume(len(s.Buffered()))
			return nil
		}
		if err := ask(); err != nil {
			b.Error(err)
			return
		}
		inParallel(b, r.Loop, 64, ask)
	})
}

// inParallel calls fn b.N times, from that many coroutines.
func inParallel(b *testing.B, l *netloop.Loop, coroutines int, fn func() error) {
	left, running, main := b.N, coroutines, l.Current()
	worker := func() {
		for left > 0 {
			left--
			if err := fn(); err != nil {
				b.Error(err)
				break
			}
		}
		if running--; running == 0 {
			main.Wake()
		}
	}
	b.ResetTimer()
	for range coroutines {
		l.Go(worker)
	}
	for running > 0 {
		main.Wait()
	}
}

// TestRequestHardlyAllocates holds what BenchmarkRequest measures: the decoder makes a string of each
// of the 12 literals of a request and its answer, and nothing else is allocated.
func TestRequestHardlyAllocates(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	if result := testing.Benchmark(BenchmarkRequest); result.AllocsPerOp() > 12 || result.N == 0 {
		t.Errorf("%d allocations a request in %d", result.AllocsPerOp(), result.N)
	}
}

// BenchmarkUpload is the way of a body from one handler to another.
func BenchmarkUpload(b *testing.B) {
	r := newRig(b)
	addr := r.serve(nil, func(s *Stream) {
		for s.Fill() == nil {
			s.Consume(len(s.Buffered()))
		}
		answer(s, "200", "done")
	})
	part := make([]byte, 64<<10)
	b.SetBytes(int64(len(part)))
	b.ReportAllocs()
	r.in(func() {
		s := r.client(addr, nil).Open()
		defer s.Close()
		if err := s.WriteRequest([]byte("POST / HTTP/1.1\r\nHost: a\r\n"), "http", false); err != nil {
			b.Error(err)
			return
		}
		for b.Loop() {
			if err := s.Send(part); err != nil {
				b.Error(err)
				return
			}
		}
		if err := s.SendEnd(nil); err != nil {
			b.Error(err)
		}
		if m, err := readAnswer(s); m.body != "done" || err != nil {
			b.Errorf("%+v, %v", m, err)
		}
	})
}
