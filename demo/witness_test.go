package demo

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWitness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWitness(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			_, _ = w.Write(body)
		}))
		ask := func(r *http.Request) *httptest.ResponseRecorder {
			answer := httptest.NewRecorder()
			w.ServeHTTP(answer, r)
			return answer
		}
		r := httptest.NewRequest("POST", "/orders?a=1", strings.NewReader("{}"))
		r.Header.Set(idField, "r-1")
		if got := ask(r); got.Code != 200 || got.Body.String() != "{}" {
			t.Errorf("the answer is %d %q", got.Code, got.Body)
		}
		time.Sleep(time.Second) // on the fake clock
		if got := ask(httptest.NewRequest("POST", "/cut", brokenReader{})); got.Code != 400 {
			t.Errorf("a body that breaks off is answered with %d", got.Code)
		}
		all := w.Copies()
		if len(all) != 2 || all[1].At-all[0].At != time.Second {
			t.Fatalf("the witness has %+v", all)
		}
		c := &all[0]
		if c.Line != "POST /orders?a=1" || c.ID() != "r-1" || c.Body != "{}" || c.Header.Get("Host") != "example.com" || c.Header.Get("Content-Length") != "2" {
			t.Errorf("the witness has kept %+v", c)
		}
	})
}
