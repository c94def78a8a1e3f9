package smuggling

import (
	"fmt"
	"strings"
	"sync"
	"text/tabwriter"
)

// table says of every vector what tain did, and how many of its requests each server saw.
type table struct {
	corpus []vector

	mu   sync.Mutex       // guards seen
	seen []map[string]int // by vector, and by server
}

func newTable(corpus []vector) *table {
	t := &table{corpus: corpus}
	for range corpus {
		t.seen = append(t.seen, make(map[string]int))
	}
	return t
}

// add notes how many requests of vector i a server saw. It may be called from any goroutine.
func (t *table) add(i int, server string, requests int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen[i][server] = requests
}

func (t *table) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "class\tvector\ttain\tnginx\tgo\tnode")
	for i, v := range t.corpus {
		n := t.seen[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\n", v.class, v.name, says(v.want), n["nginx"], n["go"], n["node"])
	}
	w.Flush()
	return text.String()
}
