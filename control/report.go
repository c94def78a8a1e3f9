package control

// Report is what the admin API says of a desk, and tain ctl reads.
type Report struct {
	Killed bool `json:"killed"` // the kill switch is on
	// Mirrors are those of the configuration, and then those that something was decided about but that
	// are not there any more.
	Mirrors []Mirror `json:"mirrors"`
	// Standing are the decisions that hold, the oldest first.
	Standing []Decision `json:"standing"`
	// Kept is the file in which they outlive a restart; "" where they do not.
	Kept string `json:"kept"`
	// Problem is what went wrong with a decision that is in force all the same.
	Problem string `json:"problem,omitempty"`
	// Latest are the latest decisions, the newest first.
	Latest []Decision `json:"latest,omitempty"`
}

// Mirror is what holds for all mirrors of one name.
type Mirror struct {
	Mirror string `json:"mirror"`
	Paused bool   `json:"paused"`
	// Percent is the share instead of the configuration's, nil where that holds.
	Percent *Share `json:"percent,omitempty"`
	// Configured are the shares of the configuration, of which it has several if the name occurs on
	// several routes, and none if the mirror is not there any more.
	Configured []Share `json:"configured_percent"`
}
