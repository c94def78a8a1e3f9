package smuggling

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// table says of every vector what tain did, and how many of its requests each server saw.
type table struct {
	corpus []vector
	seen   [][]int
}

func newTable(corpus []vector) *table {
	return &table{corpus, make([][]int, len(corpus))}
}

// add notes how many requests of vector i the next server saw.
func (t *table) add(i, requests int) { t.seen[i] = append(t.seen[i], requests) }

func (t *table) String() string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "class\tvector\ttain\tnginx\tgo\tnode")
	for i, v := range t.corpus {
		fmt.Fprintf(w, "%s\t%s\t%s", v.class, v.name, says(v.want))
		for _, n := range t.seen[i] {
			fmt.Fprintf(w, "\t%d", n)
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	return text.String()
}
