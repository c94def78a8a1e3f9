package console

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/pprof"
	"slices"
	"strings"
	"time"

	"tain.dev/tain/control"
)

// endpoint is one thing to ask for, and its line on the index page.
type endpoint struct {
	method, path string
	says         string
	serve        http.HandlerFunc
}

func (c *Console) probes() []endpoint {
	return []endpoint{
		{"GET", "/healthz", "200 while the process runs", c.healthz},
		{"GET", "/readyz", "200 while tain should get live traffic, else 503 with the reason", c.readyz},
		{"GET", "/metrics", "metrics for Prometheus", c.metrics.ServeHTTP},
	}
}

func (c *Console) api() []endpoint {
	return []endpoint{
		{"GET", "/api/v1/status", "what runs, and what users asked and got", c.status},
		{"GET", "/api/v1/routes", "the table of routes; ?format=text for its text form", c.routes},
		{"GET", "/api/v1/mirrors", "the books of every mirror and target", c.mirrors},
		{"GET", "/api/v1/upstreams", "backends and targets: their servers, health and limits", c.upstreams},
		{"GET", "/api/v1/certificates", "certificates, and when they expire", c.certificates},
		{"GET", "/api/v1/pairs", "kept pairs, the newest first", c.pairs},
		{"GET", "/api/v1/findings", "what differs, what matters most first", c.findings},
		{"GET", "/api/v1/control", "what operators decided, what of it holds, and the audit log's end", c.control},
		{"POST", "/api/v1/mirrors/{name}/pause", "stop copying for one mirror", c.decide(control.Pause)},
		{"POST", "/api/v1/mirrors/{name}/resume", "copy again", c.decide(control.Resume)},
		{"POST", "/api/v1/mirrors/{name}/percent", "copy another share of the requests", c.decide(control.Percent)},
		{"POST", "/api/v1/kill", "stop all mirroring", c.decide(control.Kill)},
		{"POST", "/api/v1/unkill", "allow mirroring again", c.decide(control.Unkill)},
	}
}

func profiles() []endpoint {
	return []endpoint{
		{"GET", "/debug/pprof/", "profiles of the process", pprof.Index},
		{"GET", "/debug/pprof/cmdline", "how it was started", pprof.Cmdline},
		{"GET", "/debug/pprof/profile", "CPU profile; ?seconds=30", pprof.Profile},
		{"GET", "/debug/pprof/symbol", "names of addresses", pprof.Symbol},
		{"GET", "/debug/pprof/trace", "execution trace; ?seconds=1", pprof.Trace},
	}
}

func (c *Console) adminHandler() http.Handler {
	all := slices.Concat(c.probes(), c.api())
	if c.cfg.Pprof {
		all = append(all, profiles()...)
	}
	mux := handle(all)
	mux.HandleFunc("/{$}", only("GET", index(all)))
	return guard(c.cfg.Admin, mux)
}

func (c *Console) healthHandler() http.Handler { return handle(c.probes()) }

func handle(endpoints []endpoint) *http.ServeMux {
	mux := http.NewServeMux()
	for _, e := range endpoints {
		mux.HandleFunc(e.path, only(e.method, e.serve))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, fmt.Errorf("there is nothing at %s; GET / of the admin API names what there is", r.URL.Path))
	})
	return mux
}

// index is a page that names the endpoints.
func index(all []endpoint) http.HandlerFunc {
	var page strings.Builder
	page.WriteString("<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>tain</title>\n" +
		"<style>body{font:1em/1.5 sans-serif;margin:2em}td{padding-right:2em}</style>\n<h1>tain</h1>\n<table>\n")
	for _, e := range all {
		path := html.EscapeString(e.path)
		if e.method == "GET" {
			path = `<a href="` + path + `">` + path + `</a>`
		}
		fmt.Fprintf(&page, "<tr><td>%s<td><code>%s</code><td>%s\n", e.method, path, html.EscapeString(e.says))
	}
	page.WriteString("</table>\n</html>\n")
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, page.String())
	}
}

func (c *Console) healthz(w http.ResponseWriter, _ *http.Request) {
	answer(w, map[string]bool{"healthy": true})
}

func (c *Console) readyz(w http.ResponseWriter, _ *http.Request) {
	if why := c.src.Status().NotReady; why != "" {
		refuse(w, http.StatusServiceUnavailable, fmt.Errorf("not ready: %s", why))
		return
	}
	answer(w, map[string]bool{"ready": true})
}

func (c *Console) status(w http.ResponseWriter, r *http.Request) {
	if _, err := params(r); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	s, decided := c.src.Status(), c.src.Control()
	answer(w, struct {
		Status
		Ready    bool               `json:"ready"`
		Uptime   float64            `json:"uptime_seconds"`
		Killed   bool               `json:"killed"`
		Standing []control.Decision `json:"standing"`
		Live     Live               `json:"live"`
	}{s, s.NotReady == "", time.Since(s.Started).Seconds(), decided.Killed, decided.Standing, c.src.Live()})
}

func (c *Console) routes(w http.ResponseWriter, r *http.Request) {
	table := c.src.Table()
	if r.URL.RawQuery == "format=text" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, table.String())
		return
	}
	answerPage(w, r, "routes", viewRoutes(table.Routes()))
}

func (c *Console) mirrors(w http.ResponseWriter, r *http.Request) {
	answerPage(w, r, "mirrors", viewMirrors(merged(c.src.Books()), c.src.Latency, c.src.Control().Standing))
}

func (c *Console) upstreams(w http.ResponseWriter, r *http.Request) {
	answerPage(w, r, "upstreams", c.src.Upstreams())
}

func (c *Console) certificates(w http.ResponseWriter, r *http.Request) {
	answerPage(w, r, "certificates", c.src.Certificates())
}

// pairs has no offset: new pairs come in at the front, so that it would skip and repeat some.
func (c *Console) pairs(w http.ResponseWriter, r *http.Request) {
	query, err := params(r, "limit")
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	limit, err := number(query, "limit", 20, 1, 1000)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	kept := c.src.Pairs(limit)
	page, err := fit(kept[:min(limit, len(kept))])
	if err != nil {
		refuse(w, http.StatusInternalServerError, fmt.Errorf("making the answer: %w", err))
		return
	}
	answer(w, map[string]any{"pairs": page})
}

func (c *Console) findings(w http.ResponseWriter, r *http.Request) {
	answerPage(w, r, "findings", c.src.Findings())
}
