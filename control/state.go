package control

// State is what holds. The zero value is what the configuration says.
type State struct {
	Killed  bool
	Mirrors map[string]Rule // by name; of those for which something was decided
}

// Rule is what was decided about a mirror.
type Rule struct {
	Paused bool
	// PerMillion is the share instead of the configuration's, nil where that holds.
	PerMillion *uint32
}

// stateOf is what holds while these decisions stand.
func stateOf(standing []Decision) State {
	s := State{Mirrors: make(map[string]Rule)}
	for i := range standing {
		d := &standing[i]
		r := s.Mirrors[d.Mirror]
		switch d.What {
		case Kill:
			s.Killed = true
			continue
		case Pause:
			r.Paused = true
		case Percent:
			r.PerMillion = (*uint32)(d.Percent)
		}
		s.Mirrors[d.Mirror] = r
	}
	return s
}

// of is the mirror with what was decided about it.
func (r Rule) of(m Mirror) Mirror {
	m.Paused, m.Percent = r.Paused, (*Share)(r.PerMillion)
	return m
}
