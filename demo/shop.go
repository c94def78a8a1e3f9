package demo

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// How long the shop usually takes to answer. The waits are long against what a proxy or a busy
// laptop adds, so that medians differ by what was planted and by nothing else.
const (
	usualWait     = 3 * time.Millisecond
	recommendWait = 5 * time.Millisecond
	// slowWait is what version 2 takes for recommendations.
	slowWait = 4 * recommendWait
)

// shop is one instance of one version.
type shop struct {
	*catalogue
	noise *noise
	// regressed says that this is version 2. Every use of it is a plant of [Planted].
	regressed bool
	accepted  atomic.Uint64 // orders posted
}

// Shop returns an instance of the shop: version 1 is right, version 2 has the regressions of
// [Planted]. The catalogue is the same in all of them; seed drives the noise, so that instances
// that run side by side need seeds of their own. The handler may be used by any number of
// goroutines; it keeps nothing but a count of the orders that were posted.
func Shop(version int, seed uint64) http.Handler {
	s := &shop{catalogue: theCatalogue(), noise: newNoise(seed), regressed: version >= 2}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.home)
	mux.HandleFunc("GET /products", s.listProducts)
	mux.HandleFunc("GET /products/{id}", s.showProduct)
	mux.HandleFunc("GET /orders/{id}", s.showOrder)
	mux.HandleFunc("POST /orders", s.postOrder)
	mux.HandleFunc("POST /pay/{order}", s.pay)
	mux.HandleFunc("GET /cart/{user}", s.showCart)
	mux.HandleFunc("GET /search", s.showSearch)
	mux.HandleFunc("GET /recommendations/{user}", s.recommend)
	mux.HandleFunc("/", s.notFound)
	return s.withNoise(mux)
}

// withNoise adds what every answer of the shop has: a wait, and header fields that differ each
// time.
func (s *shop) withNoise(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wait := usualWait
		if strings.HasPrefix(r.URL.Path, "/recommendations/") {
			wait = recommendWait
			if s.regressed {
				wait = slowWait
			}
		}
		s.noise.wait(r.Context(), wait)
		h := w.Header()
		h.Set("X-Request-Id", s.noise.token(8))
		h.Set("Traceparent", "00-"+s.noise.token(16)+"-"+s.noise.token(8)+"-01")
		if _, err := r.Cookie("session"); err != nil {
			h.Set("Set-Cookie", "session="+s.noise.token(12)+"; Path=/; HttpOnly")
		}
		next.ServeHTTP(w, r)
	})
}

// home is the page for people. The token in it makes every copy of the page another one.
func (s *shop) home(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<!doctype html>\n<title>The shop</title>\n<meta name=\"csrf\" content=%q>\n<h1>%d things for the house</h1>\n",
		s.noise.token(8), len(s.products))
}

func (s *shop) notFound(w http.ResponseWriter, r *http.Request) {
	s.fail(w, http.StatusNotFound, "there is no "+r.URL.Path)
}

func (s *shop) fail(w http.ResponseWriter, status int, text string) {
	answer(w, status, map[string]string{"error": text, "request_id": s.noise.token(8)})
}

// answer writes v as JSON of known length.
func answer(w http.ResponseWriter, status int, v any) {
	body := encode(v)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	// A user who went away is no concern of the shop.
	_, _ = w.Write(body)
}

// stream writes v as JSON in two chunks, compressed where the user takes it.
func stream(w http.ResponseWriter, r *http.Request, v any) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Vary", "Accept-Encoding")
	body := encode(v)
	first, rest := body[:len(body)/2], body[len(body)/2:]
	if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		_, _ = w.Write(first)
		_ = http.NewResponseController(w).Flush()
		_, _ = w.Write(rest)
		return
	}
	h.Set("Content-Encoding", "gzip")
	zip := gzip.NewWriter(w)
	_, _ = zip.Write(first)
	_ = zip.Flush()
	_ = http.NewResponseController(w).Flush()
	_, _ = zip.Write(rest)
	_ = zip.Close()
}

func encode(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("BUG: encoding %T: %v", v, err))
	}
	return append(body, '\n')
}
