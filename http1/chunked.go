package http1

import (
	"math"
	"strconv"
)

const crlf = "\r\n"

// The limits of what a chunked body may hold besides its payload, in bytes and fields.
const (
	maxSizeDigits    = 16
	maxLineExt       = 4<<10 - maxSizeDigits - len(crlf) // so that no size line exceeds 4 KiB
	maxBodyExt       = 16 << 10
	maxTrailer       = 16 << 10
	maxTrailerFields = 100
	// keptTrailer is the capacity up to which Reset keeps the storage of trailers, so that an
	// idle connection does not hold on to an extreme one.
	keptTrailer = 1 << 10
)

// AppendChunk appends data as a chunk, or nothing where there is none.
func AppendChunk(dst, data []byte) []byte {
	if len(data) == 0 {
		return dst
	}
	dst = append(AppendChunkHead(dst, len(data)), data...)
	return append(dst, crlf...)
}

// AppendLastChunk appends the end of a chunked body. trailer holds field lines, each with its CRLF,
// and may be empty.
func AppendLastChunk(dst, trailer []byte) []byte {
	dst = append(dst, "0\r\n"...)
	dst = append(dst, trailer...)
	return append(dst, crlf...)
}

// AppendChunkHead appends the line that announces a chunk of n bytes. n is positive: a chunk of 0
// bytes would end the body.
func AppendChunkHead(dst []byte, n int) []byte {
	if n <= 0 {
		panic("BUG: a chunk of " + strconv.Itoa(n) + " bytes")
	}
	return append(strconv.AppendUint(dst, uint64(n), 16), crlf...)
}

// Chunked decodes a chunked body as its bytes come. The zero value is ready; Reset prepares it for
// another body. It allocates only to keep trailers.
type Chunked struct {
	state   chunkState
	digits  uint8 // hexadecimal digits of the size so far
	fields  uint8 // trailer fields so far, dropped ones included
	left    int64 // size of the chunk, then what is left of its data
	lineExt int   // bytes of extensions on this line
	bodyExt int   // bytes of extensions in this body
	section int   // bytes of the trailer section so far, dropped ones included
	kept    int   // trailer[:kept] are whole lines that were accepted
	trailer []byte
}

type chunkState uint8

const (
	chunkSize chunkState = iota
	chunkExt
	chunkSizeLF
	chunkData
	chunkDataCR
	chunkDataLF
	chunkTrailer
	chunkDone
)

// Reset forgets everything, and keeps a modest storage for trailers.
func (c *Chunked) Reset() {
	trailer := c.trailer[:0]
	if cap(trailer) > keptTrailer {
		trailer = nil
	}
	*c = Chunked{trailer: trailer}
}

// Next reads from the beginning of buf. It returns the payload that it found, a slice of buf that
// may be empty; how many bytes of buf it used, framing before and behind the payload included; and
// whether the body is complete with its trailers. When it is not, call again with the bytes behind
// n; n == 0 then means that there were none and more are needed.
//
// The error is an [*Error]. Data is then the payload before it, and c is of no more use until Reset.
func (c *Chunked) Next(buf []byte) (data []byte, n int, done bool, err error) {
	for n < len(buf) && c.state != chunkDone {
		if c.state == chunkData {
			if data != nil {
				break // one payload at a time
			}
			take := int(min(c.left, int64(len(buf)-n)))
			data = buf[n : n+take : n+take]
			n += take
			if c.left -= int64(take); c.left == 0 {
				c.state = chunkDataCR
			}
			continue
		}
		if err := c.frame(buf[n]); err != nil {
			return data, n, false, err
		}
		n++
	}
	return data, n, c.state == chunkDone, nil
}

// Trailer returns the trailer lines of a body that is done, each with its CRLF, or nothing. They
// were validated. Left out are all fields with an ID: what frames, routes, authorises or controls a
// message has no place in a trailer (RFC 9110, section 6.5.1), and neither have the others that a
// proxy looks at. It is valid until Reset.
func (c *Chunked) Trailer() []byte { return c.trailer[:c.kept:c.kept] }

// frame takes one byte that is not data.
func (c *Chunked) frame(b byte) *Error {
	switch c.state {
	case chunkSize:
		return c.size(b)
	case chunkExt:
		return c.extension(b)
	case chunkSizeLF:
		if b != '\n' {
			return errBareCR
		}
		c.state = chunkData
		if c.left == 0 {
			c.state = chunkTrailer
		}
	case chunkDataCR:
		if b != '\r' {
			return errChunkEnd
		}
		c.state = chunkDataLF
	case chunkDataLF:
		if b != '\n' {
			return errChunkEnd
		}
		c.state, c.digits, c.lineExt = chunkSize, 0, 0
	case chunkTrailer:
		return c.trailerByte(b)
	}
	return nil
}

func (c *Chunked) size(b byte) *Error {
	if v := unhex[b]; v != notHex {
		if c.digits++; c.digits > maxSizeDigits || c.left > math.MaxInt64>>4 {
			return errChunkSize
		}
		c.left = c.left<<4 | int64(v)
		return nil
	}
	switch {
	case c.digits == 0:
		return errChunkSize
	case b == '\r':
		c.state = chunkSizeLF
		return nil
	case b == ';':
		c.state = chunkExt
		return c.extension(b)
	}
	return errChunkSize
}

// extension drops what stands behind a size: nobody uses it, and nobody has to forward it.
func (c *Chunked) extension(b byte) *Error {
	switch {
	case b == '\r':
		c.state = chunkSizeLF
		return nil
	case b == '\n':
		return errBareLF
	case class[b]&classText == 0:
		return errChunkExt
	}
	c.lineExt++
	c.bodyExt++
	if c.lineExt > maxLineExt || c.bodyExt > maxBodyExt {
		return errChunkExtSize
	}
	return nil
}

// trailerByte collects a trailer line and decides at its end whether to keep it.
func (c *Chunked) trailerByte(b byte) *Error {
	if c.section++; c.section > maxTrailer {
		return errTrailerSize
	}
	c.trailer = append(c.trailer, b)
	if b != '\n' {
		return nil
	}
	line := c.trailer[c.kept:]
	if string(line) == crlf {
		c.state = chunkDone
		return nil
	}
	if c.fields++; c.fields > maxTrailerFields {
		return errTrailerFields
	}
	var f Field
	if _, err := f.parse(line, 0); err != nil {
		return err
	}
	if f.ID == Other {
		c.kept = len(c.trailer)
	} else {
		c.trailer = c.trailer[:c.kept]
	}
	return nil
}
