package demo

import (
	"strings"

	"tain.dev/tain/finding"
)

// Plant is a regression that version 2 has and version 1 has not.
type Plant struct {
	Name     string       // in two or three words
	Kind     finding.Kind // of the finding that names it
	Endpoint string       // as in finding.Finding, such as "GET /orders/{id}"
	Path     string       // as in finding.Finding; "" where the kind has none
	Says     string       // what went wrong, in one sentence
}

// Planted lists the regressions of version 2.
func Planted() []Plant {
	return []Plant{
		{
			Name:     "rounded price",
			Kind:     finding.Value,
			Endpoint: "GET /products/{id}",
			Path:     "price",
			Says:     "The price of a product with a discount loses its cents.",
		},
		{
			Name:     "missing discount",
			Kind:     finding.Removed,
			Endpoint: "GET /orders/{id}",
			Path:     "discount",
			Says:     "An order of a customer in Switzerland has no discount any more.",
		},
		{
			Name:     "failing search",
			Kind:     finding.Status,
			Endpoint: "GET /search",
			Says:     "A search with a quotation mark or a letter beyond ASCII fails.",
		},
		{
			Name:     "slow recommendations",
			Kind:     finding.Latency,
			Endpoint: "GET /recommendations/{id}",
			Says:     "Recommendations take four times as long.",
		},
		{
			Name:     "id became text",
			Kind:     finding.Type,
			Endpoint: "GET /cart/{id}",
			Path:     "items[*].product_id",
			Says:     "The product ids in a cart are strings instead of numbers.",
		},
		{
			Name:     "lost caching",
			Kind:     finding.Header,
			Endpoint: "GET /products",
			Path:     "Cache-Control",
			Says:     "The list of products may not be cached any more.",
		},
	}
}

// Score compares findings with [Planted]: the plants that were found, those that were missed, and
// the findings that no plant explains. A finding that is a consequence of a plant, as the other
// body of an answer of another status, is neither: it names no plant, and is not false.
func Score(findings []finding.Finding) (found, missing []Plant, unexplained []finding.Finding) {
	named := make(map[string]bool)
	for i := range findings {
		f := &findings[i]
		explained := false
		for _, p := range Planted() {
			named[p.Name] = named[p.Name] || p.names(f)
			explained = explained || p.explains(f)
		}
		if !explained {
			unexplained = append(unexplained, *f)
		}
	}
	for _, p := range Planted() {
		if named[p.Name] {
			found = append(found, p)
		} else {
			missing = append(missing, p)
		}
	}
	return found, missing, unexplained
}

// names tells whether f is the finding that the plant asks for.
func (p *Plant) names(f *finding.Finding) bool {
	if f.Endpoint != p.Endpoint || f.Kind != p.Kind {
		return false
	}
	if p.Kind == finding.Header {
		return strings.EqualFold(f.Path, p.Path)
	}
	return p.Path == "" || f.Path == p.Path
}

// explains tells whether f is the finding that the plant asks for, or follows from it.
func (p *Plant) explains(f *finding.Finding) bool {
	if p.names(f) {
		return true
	}
	// What GET answers, HEAD describes.
	method, path, _ := strings.Cut(f.Endpoint, " ")
	if method == "HEAD" {
		get := *f
		get.Endpoint = "GET " + path
		return p.explains(&get)
	}
	if f.Endpoint != p.Endpoint {
		return false
	}
	switch p.Kind {
	case finding.Status:
		// An answer of another status has another head and another body.
		return f.Kind != finding.Latency && f.Kind != finding.Unanswered
	case finding.Value, finding.Removed, finding.Type:
		return f.Kind == finding.Header && strings.EqualFold(f.Path, "Content-Length")
	default:
		return false
	}
}
