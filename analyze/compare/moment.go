package compare

import (
	"bytes"
	"strconv"
	"time"
)

// Two values are the same moment if both are times between an hour before the request and a day
// after it, and lie within a few seconds of each other: when the answer was made, or when
// something that was made for it expires. That they differ says only that one answer came after
// the other, and how often they do depends on how fast the target is, so that the baseline can't
// tell this noise.
const (
	longAgo  = time.Hour
	farAhead = 24 * time.Hour
	together = 5 * time.Second
)

// sameMoment reports whether two scalars, strings without quotes or numbers, are the same moment.
// now is when the request came, in nanoseconds since 1970.
func sameMoment(a, b []byte, now int64) bool {
	if len(a) < 10 || len(b) < 10 || len(a) > 40 || len(b) > 40 {
		return false
	}
	x, okX := moment(a, now)
	y, okY := moment(b, now)
	return okX && okY && x.Sub(y).Abs() <= together
}

// layouts are the forms of dates that services write.
var layouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999",
	"Mon, 02 Jan 2006 15:04:05 MST", time.RFC1123Z, time.RFC850, time.ANSIC, time.UnixDate,
}

// moment reads a time near now: a date, or the seconds, milliseconds, microseconds or nanoseconds
// since 1970.
func moment(text []byte, now int64) (t time.Time, ok bool) {
	if whole, _, _ := bytes.Cut(text, []byte(".")); len(bytes.Trim(whole, "0123456789")) == 0 {
		t, ok = sinceEpoch(whole, text[len(whole):])
		return t, ok && near(t, now)
	}
	if bytes.IndexByte(text, ':') < 0 {
		return t, false
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, string(text)); err == nil {
			return t, near(t, now)
		}
	}
	return t, false
}

// sinceEpoch reads a number of seconds or a smaller unit since 1970; its size tells the unit.
func sinceEpoch(whole, fraction []byte) (t time.Time, ok bool) {
	n, err := strconv.ParseInt(string(whole), 10, 64)
	if err != nil {
		return t, false
	}
	switch {
	case n < 1e11 && len(fraction) > 1:
		part, err := strconv.ParseFloat("0"+string(fraction), 64)
		return time.Unix(n, int64(part*1e9)), err == nil
	case n < 1e11:
		return time.Unix(n, 0), true
	case n < 1e14:
		return time.UnixMilli(n), true
	case n < 1e17:
		return time.UnixMicro(n), true
	}
	return time.Unix(0, n), true
}

func near(t time.Time, now int64) bool {
	after := t.Sub(time.Unix(0, now))
	return -longAgo <= after && after <= farAhead
}
