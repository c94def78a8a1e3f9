package traffic

// Account is what [Books] say, as JSON. The words are those of the metrics. The maps hold the counts
// that are not 0 by their reason, and are never nil.
type Account struct {
	Seen       uint64            `json:"seen"`
	Unmatched  map[string]uint64 `json:"unmatched"`
	Unsampled  uint64            `json:"unsampled"`
	Dropped    map[string]uint64 `json:"dropped"`
	Sent       uint64            `json:"sent"`
	Answered   uint64            `json:"answered"`
	Failed     map[string]uint64 `json:"failed"`
	Compared   uint64            `json:"compared"`
	Uncompared map[string]uint64 `json:"uncompared"`
	Queued     int64             `json:"queued"`
	InFlight   int64             `json:"inflight"`
	Comparing  int64             `json:"comparing"`
	// Imbalance names the line of the books that does not add up, if one does not.
	Imbalance string `json:"imbalance,omitempty"`
}

// Account names what the books count, and checks the balance.
func (b *Books) Account() Account {
	a := Account{
		Seen:       b.Seen,
		Unmatched:  byReason(b.Unmatched[:], unmatchedNames[:]),
		Unsampled:  b.Unsampled,
		Dropped:    byReason(b.Dropped[:], droppedNames[:]),
		Sent:       b.Sent,
		Answered:   b.Answered,
		Failed:     byReason(b.Failed[:], failedNames[:]),
		Compared:   b.Compared,
		Uncompared: byReason(b.Uncompared[:], uncomparedNames[:]),
		Queued:     b.Queued, InFlight: b.InFlight, Comparing: b.Comparing,
	}
	if err := b.Balance(); err != nil {
		a.Imbalance = err.Error()
	}
	return a
}

func byReason(counts []uint64, names []string) map[string]uint64 {
	named := make(map[string]uint64)
	for i, n := range counts {
		if n > 0 {
			named[names[i]] = n
		}
	}
	return named
}
