package smuggling

import (
	"fmt"
	"strings"
	"sync"
	"text/tabwriter"
)

// table says of every vector what tain did, and how many of its requests live saw in each rig.
type table struct {
	corpus []vector

	mu   sync.Mutex       // guards seen
	seen []map[string]int // by vector, and by rig
}

func newTable(corpus []vector) *table {
	t := &table{corpus: corpus}
	for range corpus {
		t.seen = append(t.seen, make(map[string]int))
	}
	return t
}

// add notes how many requests of vector i live saw in a rig. It may be called from any goroutine.
func (t *table) add(i int, rig string, requests int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen[i][rig] = requests
}

func (t *table) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "class\tvector\ttain")
	for _, way := range rigs {
		fmt.Fprintf(w, "\t%s", way.name)
	}
	fmt.Fprintln(w)
	for i, v := range t.corpus {
		fmt.Fprintf(w, "%s\t%s\t%s", v.class, v.name, says(v.want))
		for _, way := range rigs {
			fmt.Fprintf(w, "\t%d", t.seen[i][way.name])
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	return text.String()
}
