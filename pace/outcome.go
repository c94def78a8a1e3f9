package pace

// Outcome is how the sending of one copy ended, as far as it tells about the target.
type Outcome uint8

const (
	// Ignored tells nothing: the user left, or the copy was given up for a reason of our own.
	Ignored Outcome = iota
	// Succeeded is an answer that the target gave because it could.
	Succeeded
	// Failed is a time-out, a reset, an answer that is none, or one that says "too much" (429, 503).
	Failed
	// Unreachable is a connection that did not come about. It is a failure too.
	Unreachable
)
