package console

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"

	"tain.dev/tain/control"
	"tain.dev/tain/route"
)

// order is the body of a POST.
type order struct {
	Percent json.RawMessage `json:"percent"` // of a decision on it alone: a percentage, or null
	By      string          `json:"by"`
	Why     string          `json:"why"`
}

func (c *Console) control(w http.ResponseWriter, r *http.Request) {
	if _, err := params(r); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	answer(w, c.src.Control())
}

// decide puts a decision into force, and answers what holds from then on.
func (c *Console) decide(what string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		d := control.Decision{What: what, From: r.RemoteAddr}
		if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
			d.From = host
		}
		if status, err := readOrder(r, &d); err != nil {
			refuse(w, status, err)
			return
		}
		if what != control.Kill && what != control.Unkill {
			d.Mirror = r.PathValue("name")
			if names := c.mirrorNames(); !slices.Contains(names, d.Mirror) {
				refuse(w, http.StatusNotFound, fmt.Errorf("there is no mirror %q; there are: %s", d.Mirror, cmp.Or(strings.Join(names, ", "), "none")))
				return
			}
		}
		err := c.src.Decide(d)
		if errors.Is(err, control.ErrRefused) {
			refuse(w, http.StatusBadRequest, err)
			return
		}
		report := c.src.Control()
		report.Latest = nil
		if err != nil {
			report.Problem = err.Error()
		}
		answer(w, report)
	}
}

// readOrder reads what the body says of a decision. It returns the status to refuse it with, and why.
func readOrder(r *http.Request, d *control.Decision) (status int, err error) {
	body, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge, fmt.Errorf("the body is over %d bytes", maxBody)
	}
	if err != nil {
		return http.StatusBadRequest, fmt.Errorf("reading the body: %w", err)
	}
	var o order
	if len(body) > 0 {
		if err := decodeOrder(body, &o); err != nil {
			return http.StatusBadRequest, fmt.Errorf("the body can't be taken: %w; it may say by and why, and percent where that is set", err)
		}
	}
	d.By, d.Why = o.By, o.Why
	if d.What != control.Percent {
		if o.Percent != nil {
			return http.StatusBadRequest, fmt.Errorf("percent means nothing to %s; POST …/percent sets it", d.What)
		}
		return 0, nil
	}
	if d.Percent, err = readPercent(o.Percent); err != nil {
		return http.StatusBadRequest, err
	}
	return 0, nil
}

// decodeOrder takes one JSON object, and nothing else.
func decodeOrder(body []byte, o *order) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(o); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("something follows the JSON object")
	}
	return nil
}

// readPercent reads a percentage, a JSON number or string; null is the configuration's.
func readPercent(text json.RawMessage) (*control.Share, error) {
	switch {
	case text == nil:
		return nil, errors.New(`percent is missing; send {"percent": "5"}, or {"percent": null} for that of the configuration`)
	case string(text) == "null":
		return nil, nil
	}
	percent := string(text)
	if percent[0] == '"' {
		if err := json.Unmarshal(text, &percent); err != nil {
			return nil, err
		}
	}
	perMillion, err := route.ParsePercent(percent)
	if err != nil {
		return nil, fmt.Errorf("percent: %w", err)
	}
	return (*control.Share)(&perMillion), nil
}

// mirrorNames are the names of all mirrors that something can be decided about, each once.
func (c *Console) mirrorNames() []string {
	var names []string
	for _, m := range c.src.Control().Mirrors {
		names = append(names, m.Mirror)
	}
	return names
}

// about are the decisions that concern one mirror alone.
func about(mirror string, standing []control.Decision) (its []control.Decision) {
	for _, d := range standing {
		if d.What != control.Kill && d.Mirror == mirror {
			its = append(its, d)
		}
	}
	return its
}
