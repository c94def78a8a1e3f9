package traffic

// Pair is the live exchange and one target's mirror exchange of the same request. It is complete
// when handed on: both sides ended, each with its timing or its fault.
type Pair struct {
	Live   *Exchange
	Mirror *Exchange
	Policy string // name of the mirror that caused the copy
	Target string // name of the target that answered it
	// Baseline says that the target runs the live version and serves as control.
	Baseline bool

	// Redactor is what redacted the copy, and has to redact what is kept or shown of the pair: a
	// *redact.Redactor, nil where everything may be. What a noun does not import it can't name.
	Redactor any

	// Settle tells the books what became of the pair. Set by whoever makes pairs; it may be
	// called on any goroutine, once. See [Pair.Finish].
	Settle func(*Pair, Uncompared)
}

// Finish ends the pair's life: compared when why is [Compared], else not compared for that reason.
// Whoever got the pair calls it once, and keeps nothing of the pair.
func (p *Pair) Finish(why Uncompared) {
	settle, live, mirror := p.Settle, p.Live, p.Mirror
	settle(p, why)
	live.Release()
	mirror.Release()
}
