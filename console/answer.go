package console

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const jsonType = "application/json"

// maxPage bounds the items of one page in bytes; the first item comes whatever its size.
const maxPage = 8 << 20

// answer sends v as JSON.
func answer(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		refuse(w, http.StatusInternalServerError, fmt.Errorf("making the answer: %w", err))
		return
	}
	send(w, http.StatusOK, body)
}

// refuse sends err as JSON: {"error": …}.
func refuse(w http.ResponseWriter, status int, err error) {
	body, _ := json.Marshal(map[string]string{"error": err.Error()}) // text always marshals
	send(w, status, body)
}

func send(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}

// fit marshals as many items as fit into a page.
func fit[T any](items []T) ([]json.RawMessage, error) {
	fitting := []json.RawMessage{}
	size := 0
	for i := range items {
		text, err := json.Marshal(&items[i])
		if err != nil {
			return nil, err
		}
		if size += len(text); size > maxPage && i > 0 {
			break
		}
		fitting = append(fitting, text)
	}
	return fitting, nil
}

// answerPage sends the items from the offset on that the request asks for, under name. It names
// the next offset when there are more.
func answerPage[T any](w http.ResponseWriter, r *http.Request, name string, items []T) {
	query, err := params(r, "limit", "offset")
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	limit, errLimit := number(query, "limit", 100, 1, 1000)
	offset, errOffset := number(query, "offset", 0, 0, 1<<30)
	if err := errors.Join(errLimit, errOffset); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	from := min(offset, len(items))
	page, err := fit(items[from:min(from+limit, len(items))])
	if err != nil {
		refuse(w, http.StatusInternalServerError, fmt.Errorf("making the answer: %w", err))
		return
	}
	body := map[string]any{name: page, "total": len(items)}
	if next := from + len(page); next < len(items) {
		body["next_offset"] = next
	}
	answer(w, body)
}

// params returns the query, which may name only what is known, and each once.
func params(r *http.Request, known ...string) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("the query %q: %w", r.URL.RawQuery, err)
	}
	for name, values := range query {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("the parameter %q is not known here; there are: %s", name, cmp.Or(strings.Join(known, ", "), "none"))
		}
		if len(values) > 1 {
			return nil, fmt.Errorf("the parameter %q is given %d times; give it once", name, len(values))
		}
	}
	return query, nil
}

// number returns the parameter name as a number from low to high, or def where it is not given.
func number(query url.Values, name string, def, low, high int) (int, error) {
	text := query.Get(name)
	if !query.Has(name) {
		return def, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("%s=%s: use a number from %d to %d", name, text, low, high)
	}
	return n, nil
}
