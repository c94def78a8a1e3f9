package mirror

import (
	"math/rand/v2"
	"strings"

	"tain.dev/tain/config"
	"tain.dev/tain/route"
	"tain.dev/tain/traffic"
)

// shapes says how the copies of a route's mirror look, for each of its targets. It is nil for one whose
// credential can't be read: its copies would bear none, or the user's. The configuration has said so
// when it was read.
func shapes(cfg *config.Mirror, r *route.Route, m *route.Mirror) []*route.Shape {
	all := make([]*route.Shape, len(m.Targets))
	for i := range m.Targets {
		shape, err := route.NewShape(r, m, &m.Targets[i], cfg.Marker, cfg.Instance+"/"+m.Name)
		if err == nil {
			all[i] = shape
		}
	}
	return all
}

// choice is the name of the target that the request chooses, where the mirror leaves it to that: the
// first value of a header.
func (p *plan) choice(q *route.Request) string {
	if p.ChooseBy == "" || q.Header == nil {
		return ""
	}
	value, _ := q.Header(p.ChooseBy)
	first, _, _ := strings.Cut(value, ",")
	return first
}

// verdictFor is the mirror's verdict as it is for its target of an index. It is a pure function of
// them and the choice.
func (p *plan) verdictFor(v verdict, target int, choice string) verdict {
	switch {
	case v.kind == unmatched:
		return v
	case p.ChooseBy != "" && choice != p.Targets[target].Name:
		return verdict{unmatched, uint8(traffic.UnmatchedRule)}
	case v.kind == copyIt && p.shapes[target] == nil:
		return verdict{dropped, uint8(traffic.DroppedCredential)}
	case v.kind == copyIt && p.unredacted:
		return verdict{dropped, uint8(traffic.DroppedRedaction)}
	}
	return v
}

// buildHead writes the head of the copy.
func (w *worker) buildHead(k *copied) {
	head := w.askedHead(k)
	w.isHead = len(head) > 5 && string(head[:5]) == "HEAD "
	b := k.shape.Append(w.out[:0], head, k.lineEnd, k.hostEnd, rand.Uint64())
	w.out = append(k.appendFraming(b), "\r\n"...)
}
