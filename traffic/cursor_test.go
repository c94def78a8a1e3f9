package traffic

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// A cursor reads a body that grows, in whichever steps both go on.
func TestCursor(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	m, err := NewMemory(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, head := range []int{0, 1, 100, BlockSize - 1, BlockSize, BlockSize + 1, 3 * BlockSize} {
		for range 20 {
			x := new(Exchange)
			x.Reset(m)
			x.Request.Limit = 1 << 20
			if !x.Request.SetHead(bytes.Repeat([]byte("h"), head)) {
				t.Fatal("the memory is spent")
			}
			var want, got []byte
			var c Cursor
			read := func() bool {
				p := x.Request.NextBody(&c)
				got = append(got, p...)
				return len(p) > 0
			}
			for range 30 {
				part := make([]byte, random.IntN(3*BlockSize))
				for i := range part {
					part[i] = byte(random.Uint32())
				}
				want = append(want, part...)
				if !x.Request.Append(part) {
					t.Fatal("the memory is spent")
				}
				for range random.IntN(4) {
					read()
				}
			}
			for read() {
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("behind a head of %d bytes: read %d bytes of %d, or others", head, len(got), len(want))
			}
			x.Release()
		}
	}
	if m.Used() != 0 {
		t.Errorf("%d bytes are left", m.Used())
	}
}
