package v1alpha1

// Limits say how many copies a target gets at most. What is over a limit is dropped.
type Limits struct {
	// Rate is how many copies go out in a time, for example 1000/s, 30/m or 1000/s burst 50. The
	// default is no limit.
	Rate string `json:"rate,omitempty"`

	// Bytes is how many bytes of copies go out in a time, heads included, for example 10MiB/s. The
	// default is no limit.
	Bytes string `json:"bytes,omitempty"`

	// Concurrency is how many copies may be under way at a time. The default, 0, is no limit but that
	// of connections.
	Concurrency int `json:"concurrency,omitempty"`

	// Adaptive finds out how many copies at a time a target bears, up to Concurrency. The default is
	// false.
	Adaptive bool `json:"adaptive,omitempty"`

	// Breaker leaves a target alone that fails. The default is that copies go on.
	Breaker *Breaker `json:"breaker,omitempty"`

	// Strain makes copies give way while live shows strain. The default is false.
	Strain bool `json:"strain,omitempty"`
}

// Breaker says when a target is left alone. In tain's own files the percentage may stand alone.
type Breaker struct {
	// Percent of the copies of the last ten seconds that must have failed. The default is 50.
	Percent int `json:"percent,omitempty" short:"true"`

	// Sends is how many copies must have ended in that time. The default is 20.
	Sends int `json:"sends,omitempty"`

	// Streak is how many connections in a row must not have come about. The default is 5.
	Streak int `json:"streak,omitempty"`

	// Pause is the time until one copy asks whether the target is well again. Each failure doubles it,
	// up to MaxPause. The defaults are 1s and 60s.
	Pause    string `json:"pause,omitempty"`
	MaxPause string `json:"maxPause,omitempty"`
}
