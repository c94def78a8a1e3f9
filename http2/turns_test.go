package http2

import "testing"

// takeTurns has many streams wait for the window of the connection, opens it in steps, and returns how
// many bytes each of them got. Their own windows are wide open.
func takeTurns(t *testing.T, streams, step, steps int) (least, most int) {
	t.Helper()
	r := newRig(t)
	p := connect(t, r.serve(nil, produce(2<<20)), setting{settingWindow, maxWindow})
	got := make([]int, streams)
	read := func(n int) {
		for n > 0 {
			f, payload := p.until(frameData)
			got[f.stream/2] += len(payload)
			n -= len(payload)
		}
	}
	p.write(p.get(1))
	read(firstWindow)
	got[0] = 0
	for i := 1; i < streams; i++ {
		p.write(p.get(uint32(2*i + 1)))
		p.until(frameHeaders)
	}
	p.quiet()
	for range steps {
		p.write(appendWindow(nil, 0, step))
		read(step)
	}
	least = got[0]
	for _, n := range got {
		least, most = min(least, n), max(most, n)
	}
	return least, most
}

// TestTurns holds that streams get equal shares, however many they are, and however much the window is
// opened at a time.
func TestTurns(t *testing.T) {
	f := func(streams, step, steps, within int) {
		t.Helper()
		least, most := takeTurns(t, streams, step, steps)
		if most-least > within {
			t.Errorf("%d streams, window opened by %d: one got %d bytes, another one %d", streams, step, least, most)
		}
	}
	f(2, 1<<20, 2, 2*maxQueued)
	f(4, 2<<20, 2, 2*maxQueued)
	f(5, 1<<20, 4, 2*maxQueued)
	f(100, 10<<20, 1, 2*maxQueued)
	f(4, 1000, 100, 2000) // a trickle
	f(3, 20_000, 30, 40_000)
}

// TestTurnsEnd holds that nobody waits for the turn of a stream that has gone, or can't use it.
func TestTurnsEnd(t *testing.T) {
	r := newRig(t)
	p := connect(t, r.serve(nil, produce(1<<20)), setting{settingWindow, 100_000})
	p.write(p.get(1))
	p.data(1, firstWindow)
	for id := uint32(3); id <= 9; id += 2 {
		p.write(p.get(id))
		p.until(frameHeaders)
	}
	p.quiet()
	p.write(appendReset(nil, 1, Cancel), appendReset(nil, 5, Cancel),
		appendSettings(nil, setting{settingWindow, 0}), // nobody can use the turn
		appendWindow(nil, 7, 50_000), appendWindow(nil, 0, 1<<20))
	p.data(7, 50_000)
	p.write(appendWindow(nil, 3, 1<<20))
	f, _ := p.until(frameData)
	for n := 0; !f.has(flagEndStream); n++ {
		if f, _ = p.until(frameData); f.stream != 3 {
			t.Fatalf("data of stream %d", f.stream)
		}
		if n == 40 {
			p.write(appendWindow(nil, 0, 1<<20))
		}
	}
}
