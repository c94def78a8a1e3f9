package traffic

// Cursor is a place in a sequence that may still grow, for whoever reads it as it does. The zero
// value is the beginning.
type Cursor struct {
	block uint32 // where off lies, or the one before while off is at its end
	off   int    // from the beginning of the sequence
}

// Next returns what is held behind c, at most a block of it, and moves c behind that. It is nil while
// there is no more. The bytes stay valid until Free.
func (b *Bytes) Next(c *Cursor) []byte {
	if c.off == b.size {
		return nil
	}
	in := c.off % BlockSize
	switch {
	case c.off == 0:
		c.block = b.head
	case in == 0:
		c.block = b.mem.next[c.block].Load()
	}
	p := b.mem.block(c.block)[in:min(BlockSize, in+b.size-c.off)]
	c.off += len(p)
	return p
}

// NextBody is [Bytes.Next] for the captured body. The zero cursor is the beginning of the body.
func (m *Message) NextBody(c *Cursor) []byte {
	for c.off < m.head {
		p := m.data.Next(c)
		if c.off > m.head {
			return p[len(p)-(c.off-m.head):]
		}
	}
	return m.data.Next(c)
}
