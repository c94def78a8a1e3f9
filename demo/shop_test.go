package demo

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata")

// TestShop runs the cases in testdata. Each holds a request, the answer of version 1, and the
// answer of version 2 if it is another one. Clock and noise are the same for both.
func TestShop(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in testdata: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			testCase(t, file)
		})
	}
}

func testCase(t *testing.T, file string) {
	want, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	request := want.Files[0]
	v1, v2 := ask(t, 1, request.Data), ask(t, 2, request.Data)
	got := &txtar.Archive{Comment: want.Comment, Files: []txtar.File{request, {Name: "version 1", Data: v1}}}
	if !bytes.Equal(v1, v2) {
		got.Files = append(got.Files, txtar.File{Name: "version 2", Data: v2})
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if g, w := txtar.Format(got), txtar.Format(want); !bytes.Equal(g, w) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, g, w)
	}
}

// ask returns a version's answer to a request in the form of a case file: JSON indented, without
// carriage returns. The clock starts with the request.
func ask(t *testing.T, version int, request []byte) []byte {
	t.Helper()
	text := strings.TrimSpace(string(request)) + "\n\n"
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		t.Fatalf("reading the request of the case: %v", err)
	}
	w := httptest.NewRecorder()
	synctest.Test(t, func(t *testing.T) { Shop(version, 1).ServeHTTP(w, r) })
	var out bytes.Buffer
	fmt.Fprintln(&out, w.Code, http.StatusText(w.Code))
	if err := w.Result().Header.Write(&out); err != nil {
		t.Fatal(err)
	}
	out.WriteString("\n")
	// The server keeps the body of an answer to HEAD back; the recorder does not.
	if body := w.Body.Bytes(); r.Method != "HEAD" && json.Indent(&out, body, "", "  ") != nil {
		out.Write(body)
	}
	return bytes.ReplaceAll(out.Bytes(), []byte("\r\n"), []byte("\n"))
}

// plain returns the body of an answer, without gzip.
func plain(t *testing.T, w *httptest.ResponseRecorder) []byte {
	t.Helper()
	if w.Header().Get("Content-Encoding") != "gzip" {
		return w.Body.Bytes()
	}
	zip, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatalf("unpacking the answer: %v", err)
	}
	body, err := io.ReadAll(zip)
	if err != nil {
		t.Fatalf("unpacking the answer: %v", err)
	}
	return body
}

// get returns the answer of h to a GET on path.
func get(t *testing.T, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w
}

func TestListIsChunkedAndTheSameUnderGzip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := Shop(1, 1)
		r := httptest.NewRequest("GET", "/products", nil)
		r.Header.Set("Accept-Encoding", "gzip")
		zipped := httptest.NewRecorder()
		h.ServeHTTP(zipped, r)
		listed := get(t, h, "/products")
		if !listed.Flushed || listed.Header().Get("Content-Length") != "" {
			t.Errorf("the list is not streamed: flushed %v, Content-Length %q", listed.Flushed, listed.Header().Get("Content-Length"))
		}
		var a, b listPage
		for body, into := range map[string]*listPage{string(plain(t, zipped)): &a, listed.Body.String(): &b} {
			if err := json.Unmarshal([]byte(body), into); err != nil {
				t.Fatal(err)
			}
		}
		if len(a.Products) != numProducts || len(b.Products) != numProducts {
			t.Errorf("the list has %d products in gzip and %d without, want %d", len(a.Products), len(b.Products), numProducts)
		}
	})
}

// TestPostLeavesNoTrace asserts that a shop that was sent orders answers like one that was not:
// live gets them, its copies do not.
func TestPostLeavesNoTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		posted, fresh := Shop(1, 1), Shop(1, 1)
		for _, path := range []string{"/", "/products", "/products/3", "/cart/3", "/search?q=lamp", "/recommendations/3"} {
			w := httptest.NewRecorder()
			posted.ServeHTTP(w, httptest.NewRequest("POST", "/orders", strings.NewReader("{}")))
			if w.Code != http.StatusCreated {
				t.Fatalf("POST /orders: status %d, want 201", w.Code)
			}
			if a, b := shape(t, get(t, posted, path)), shape(t, get(t, fresh, path)); a != b {
				t.Errorf("GET %s after an order:\n%s\nwithout:\n%s", path, a, b)
			}
		}
	})
}
