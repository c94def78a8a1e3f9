package pace

import (
	"math"
	"sync/atomic"
	"time"
)

// Strain tells when live shows strain, and how much of what is configured may be copied then: nothing
// while live's times or failures are above their recent band, and afterwards 1, 5, 25 and 100 %, a
// step after each few quiet blocks. A block is a second, or as long as 50 answers take.
//
// It knows no cause. But where live stays as it is without copies, it was not the copies, and the
// band is learned anew.
type Strain struct {
	lanes    []StrainLane
	slowFrom atomic.Int64 // ns
	share    atomic.Uint64
	status   atomic.Pointer[StrainStatus]

	// The rest belongs to Tick.
	began int64
	block block
	bands bands
	step  int // of shares
	quiet int // blocks in a row
	loud  int // blocks in a row
	need  int // quiet blocks for a step
	again int // times that it stopped, until all was forgotten
}

// StrainStatus is what a [Strain] knows of itself at a moment.
type StrainStatus struct {
	Share   float64 // 0 to 1, of what is configured
	Since   int64   // ns; when it last changed
	Why     string  // it stopped last, such as "live takes 2.03 times as long as usual"; empty if it never did
	Stopped uint64  // times that it stopped
}

// StrainLane takes what one loop sees of live.
type StrainLane struct {
	slowFrom                            *atomic.Int64
	answers, slow, failed, sum, squares atomic.Int64
	_                                   [80]byte // lanes share no cache line
}

// shares are the steps of what may be copied.
var shares = [...]float64{0, 0.01, 0.05, 0.25, 1}

const (
	blockTime    = int64(time.Second)
	blockAnswers = 50
	// With little traffic a block ends after so long with a few.
	patientTime    = int64(10 * time.Second)
	patientAnswers = 5

	strained = 2  // loud blocks in a row that are strain
	innocent = 10 // loud blocks in a row without copies that show that it was not them

	// A step takes so many quiet blocks, twice as many after each relapse, up to lastNeed. After as many
	// at 100 % all is forgotten.
	firstNeed, lastNeed = 3, 300
)

// NewStrain makes a Strain for so many loops, at 100 %.
func NewStrain(loops int) *Strain {
	s := &Strain{lanes: make([]StrainLane, loops), step: len(shares) - 1}
	for i := range s.lanes {
		s.lanes[i].slowFrom = &s.slowFrom
	}
	s.slowFrom.Store(math.MaxInt64)
	s.show(0, "")
	return s
}

// Lane is where loop i observes.
func (s *Strain) Lane(i int) *StrainLane { return &s.lanes[i] }

// Share is what part of what is configured may be copied, 0 to 1.
func (s *Strain) Share() float64 { return math.Float64frombits(s.share.Load()) }

// Status is the share and how it came about.
func (s *Strain) Status() StrainStatus { return *s.status.Load() }

// Observe takes an answer of live and how long it took, in ns. One that failed has no time that could
// be compared.
func (l *StrainLane) Observe(took int64, failed bool) {
	if failed {
		l.failed.Add(1)
		return
	}
	if took > l.slowFrom.Load() {
		l.slow.Add(1)
	}
	log := logOf(took)
	l.answers.Add(1)
	l.sum.Add(log)
	l.squares.Add(log * log)
}

func (l *StrainLane) take() block {
	return block{
		answers: l.answers.Swap(0), slow: l.slow.Swap(0), failed: l.failed.Swap(0),
		sum: l.sum.Swap(0), squares: l.squares.Swap(0),
	}
}

// Tick takes in what the lanes have observed. It is to be called every 100 ms, by one goroutine.
func (s *Strain) Tick(now int64) {
	for i := range s.lanes {
		s.block.add(s.lanes[i].take())
	}
	n, took := s.block.answers+s.block.failed, now-s.began
	enough := took >= blockTime && n >= blockAnswers || took >= patientTime && n >= patientAnswers
	if !enough && took >= 0 {
		return
	}
	if took >= 0 { // else the clock was set back
		s.judge(now, s.block)
	}
	s.began, s.block = now, block{}
}

// judge takes a block.
func (s *Strain) judge(now int64, b block) {
	why := s.bands.judge(b)
	if why == "" {
		s.bands.learn(b)
		s.slowFrom.Store(int64(s.bands.slowFrom()))
		s.loud = 0
		s.calm(now)
		return
	}
	s.quiet = 0
	s.loud++
	switch {
	case s.step > 0 && s.loud >= strained:
		s.stop(now, why)
	case s.step == 0 && s.loud >= strained+innocent:
		s.bands = bands{}
		s.loud = 0
	}
}

// calm takes a quiet block.
func (s *Strain) calm(now int64) {
	if s.bands.failed.blocks < known {
		return // there is no band that it could have left
	}
	s.quiet++
	switch last := len(shares) - 1; {
	case s.step == last && s.quiet >= lastNeed:
		s.again = 0
	case s.step < last && s.quiet >= s.need:
		s.step++
		s.quiet = 0
		s.show(now, s.Status().Why)
	}
}

// stop ends copying.
func (s *Strain) stop(now int64, why string) {
	s.need = min(firstNeed<<s.again, lastNeed)
	s.again = min(s.again+1, 16)
	s.step = 0
	s.show(now, why)
}

// show publishes the state.
func (s *Strain) show(now int64, why string) {
	next := StrainStatus{Share: shares[s.step], Since: now, Why: why}
	if old := s.status.Load(); old != nil {
		next.Stopped = old.Stopped
	}
	if s.step == 0 {
		next.Stopped++
	}
	s.share.Store(math.Float64bits(next.Share))
	s.status.Store(&next)
}
