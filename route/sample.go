package route

import "math/bits"

// All is the PerMillion of a sample that takes every request.
const All = 1_000_000

// Sample says which share of the requests that a mirror matches is copied, and which of them. A
// request has a place between 0 and 1, and is copied if it lies below the share. So the larger of two
// samples has all that the smaller one has, unless they place requests by different keys or salts;
// and who raises a share only adds requests.
type Sample struct {
	// PerMillion is the share: [All] is every one, 0 is none.
	PerMillion uint32
	// By lists what places a request: the first that it has. A request that has none of them is
	// not copied, whatever the share. No keys at all mean [KeyRandom].
	By []SampleKey
	// Salt makes other places of the same keys. Samples of the same salt are nested, as those of
	// Envoy are; those of different salts have nothing to do with each other.
	Salt string

	seed uint64 // of the salt; 0 where there is none
}

// Takes says whether the request is copied. draw is random, and the same for all mirrors of a
// request. It is for samples of a compiled table, and neither allocates nor blocks unless an
// expression does, or a parameter of the query with escapes has more than 256 bytes.
func (s *Sample) Takes(q *Request, draw uint64) bool {
	place, _, ok := s.Place(q, draw)
	return ok && place < s.PerMillion
}

// Place is the request's place in parts per million, rounded down to 0 to [All]-1, with the key that
// gave it: nil where there are none, which is by chance. ok is false if the request has no key.
func (s *Sample) Place(q *Request, draw uint64) (place uint32, by *SampleKey, ok bool) {
	if len(s.By) == 0 {
		return inMillion(chance(draw, s.seed)), nil, true
	}
	for i := range s.By {
		if point, ok := s.By[i].point(q, s.seed, draw); ok {
			return inMillion(point), &s.By[i], true
		}
	}
	return 0, nil, false
}

// inMillion gives parts of 2⁶⁴ as parts per million, rounded down.
func inMillion(point uint64) uint32 {
	whole, _ := bits.Mul64(point, All)
	return uint32(whole)
}

// chance is the place that a draw stands for.
func chance(draw, seed uint64) uint64 {
	if seed == 0 {
		return draw
	}
	return avalanche64(draw ^ seed)
}

// withSeed returns the sample as it is in a compiled table.
func (s Sample) withSeed() Sample {
	s.seed = 0
	if s.Salt != "" {
		s.seed = hash64(s.Salt, 0)
	}
	return s
}
