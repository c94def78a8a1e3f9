package demo

import (
	"strings"
	"testing"

	"tain.dev/tain/finding"
)

// at makes a finding from "METHOD path", a kind and a field path.
func at(endpoint string, kind finding.Kind, path string) finding.Finding {
	return finding.Finding{Endpoint: endpoint, Kind: kind, Path: path}
}

// perfect is one finding for every plant.
func perfect() []finding.Finding {
	var all []finding.Finding
	for _, p := range Planted() {
		all = append(all, at(p.Endpoint, p.Kind, p.Path))
	}
	return all
}

func TestPlantsAreToldApart(t *testing.T) {
	names := make(map[string]bool)
	for _, p := range Planted() {
		if p.Name == "" || names[p.Name] {
			t.Errorf("plant %+v: its name is empty or another plant's", p)
		}
		names[p.Name] = true
		if !strings.HasPrefix(p.Endpoint, "GET /") || !strings.HasSuffix(p.Says, ".") {
			t.Errorf("plant %q: want an endpoint and a sentence, got %q and %q", p.Name, p.Endpoint, p.Says)
		}
		f := at(p.Endpoint, p.Kind, p.Path)
		for _, other := range Planted() {
			if other.Name != p.Name && other.explains(&f) {
				t.Errorf("plant %q explains the finding of %q", other.Name, p.Name)
			}
		}
	}
}

func TestScore(t *testing.T) {
	f := func(findings []finding.Finding, wantFound, wantFalse int) {
		t.Helper()
		found, missing, unexplained := Score(findings)
		if len(found) != wantFound || len(missing) != len(Planted())-wantFound || len(unexplained) != wantFalse {
			t.Errorf("found %d, missing %d, false %d; want %d, %d, %d; false are %+v", len(found), len(missing), len(unexplained),
				wantFound, len(Planted())-wantFound, wantFalse, unexplained)
		}
	}
	n := len(Planted())
	f(nil, 0, 0)
	f(perfect(), n, 0)
	f(perfect()[1:], n-1, 0)
	f(append(perfect(), perfect()...), n, 0)

	// Consequences are neither found nor false.
	f([]finding.Finding{
		at("GET /search", finding.Removed, "hits"),
		at("GET /search", finding.Added, "error"),
		at("GET /search", finding.Header, "Content-Length"),
		at("GET /products/{id}", finding.Header, "Content-Length"),
		at("HEAD /products/{id}", finding.Header, "Content-Length"),
		at("HEAD /products", finding.Header, "cache-control"),
		at("HEAD /search", finding.Status, ""),
	}, 0, 0)

	// The name of a header has no case.
	f([]finding.Finding{at("GET /products", finding.Header, "cache-control")}, 1, 0)

	// Near misses are false.
	f([]finding.Finding{
		at("", finding.Value, "price"),
		at("GET /products", finding.Value, "price"),
		at("GET /products/{id}", finding.Value, "list_price"),
		at("GET /products/{id}", finding.Type, "price"),
		at("GET /products/{id}", finding.Value, "generated_at"),
		at("GET /products/{id}", finding.Order, "tags"),
		at("GET /products/{id}", finding.Status, ""),
		at("GET /products/{id}", finding.Latency, ""),
		at("GET /products", finding.Header, "X-Request-Id"),
		at("POST /orders", finding.Removed, "discount"),
		at("GET /search", finding.Latency, ""),
		at("GET /search", finding.Unanswered, ""),
		at("GET /recommendations/{id}", finding.Value, "model"),
		at("GET /", finding.Body, ""),
	}, 0, 14)
}
