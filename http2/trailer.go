package http2

import (
	"strings"

	"tain.dev/tain/http1"
)

// addTrailer leaves out what has no place in a trailer section, as [http1.Chunked.Trailer] does.
func (t *headText) addTrailer(name, value string) *fault {
	switch name {
	case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
		return errConnSpecific
	}
	if !noTrailer[name] {
		t.line(name, value)
	}
	return nil
}

// noTrailer has the names of the fields that http1 knows, in lower case.
var noTrailer = func() map[string]bool {
	names := make(map[string]bool)
	for id := http1.Host; id <= http1.IfRange; id++ {
		names[strings.ToLower(id.String())] = true
	}
	return names
}()

// mayTrail says whether addTrailer takes fields of that name, in any case.
func mayTrail(name string) bool {
	var lower [32]byte // longer than any name that http1 knows
	if len(name) > len(lower) {
		return true
	}
	for i := range len(name) {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	return !noTrailer[string(lower[:len(name)])]
}

// addAnnounced takes a Trailer field, which lists what comes behind the body, without the names that
// addTrailer leaves out: nobody is to wait for these.
func (t *headText) addAnnounced(value string) {
	start := len(t.text)
	t.text = append(t.text, "trailer:"...)
	first, separator := len(t.text), byte(' ')
	for name := range strings.SplitSeq(value, ",") {
		name = strings.Trim(name, " \t")
		if name == "" || !mayTrail(name) {
			continue
		}
		t.text = append(append(t.text, separator), name...)
		separator = ','
	}
	if len(t.text) == first {
		t.text = t.text[:start]
		return
	}
	t.text = append(t.text, "\r\n"...)
}
