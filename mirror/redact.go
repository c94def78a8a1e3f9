package mirror

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"tain.dev/tain/config"
	"tain.dev/tain/http1"
	"tain.dev/tain/netloop"
	"tain.dev/tain/redact"
	"tain.dev/tain/route"
	"tain.dev/tain/traffic"
)

// The words of rules, as they are in a table.
var (
	placeWords    = map[string]redact.Place{"header": redact.Header, "cookie": redact.Cookie, "query": redact.Query, "json": redact.JSON, "form": redact.Form}
	detectorWords = map[string]redact.Detector{"card": redact.Card, "email": redact.Email, "iban": redact.IBAN, "phone": redact.Phone, "jwt": redact.JWT}
	actionWords   = map[string]redact.Action{"mask": redact.Replace, "last4": redact.KeepLast4, "remove": redact.Remove, "pseudonym": redact.Pseudonym}
)

// compileRules makes the rules of a mirror ready.
func compileRules(written []route.RedactRule, key []byte) (*redact.Redactor, error) {
	rules := make([]redact.Rule, len(written))
	for i, w := range written {
		rules[i] = redact.Rule{Name: w.Name, Path: w.Path, Detect: detectorWords[w.Detect], Do: actionWords[w.Do], Text: w.Text}
		for _, place := range w.In {
			rules[i].In |= placeWords[place]
		}
	}
	return redact.Compile(rules, key)
}

// redactors are what applies the rules of a table's mirrors, by the rules: a mirror may be on many routes.
type redactors map[string]redactor

// redactor is nil where there are no rules. After an error there can be none, and the error has been told
// when the configuration was read.
type redactor struct {
	*redact.Redactor
	err error
}

// Redactor makes what redacts the copies of a mirror, nil where it has no rules. It reads the key, so it may
// block. After an error no copy may leave.
func Redactor(r *route.Redaction) (*redact.Redactor, error) {
	made := redactors{}.of(r)
	return made.Redactor, made.err
}

// of returns the one for these rules. To make one, it reads the key.
func (all redactors) of(r *route.Redaction) redactor {
	if len(r.Rules) == 0 {
		return redactor{}
	}
	rules := fmt.Sprintf("%q", *r)
	made, known := all[rules]
	if !known {
		var key []byte
		if key, made.err = r.Key(); made.err == nil {
			made.Redactor, made.err = compileRules(r.Rules, key)
		}
		all[rules] = made
	}
	return made
}

// CheckRedaction says what is wrong with the redaction of a mirror, and which of its rules are of no use.
// It is a [config.Look].
func CheckRedaction(m *route.Mirror) (errs, useless []error) {
	r := &m.Copy.Redact
	if len(r.Rules) == 0 {
		return nil, nil
	}
	key, err := r.Key()
	if err != nil {
		errs = append(errs, &config.Error{Setting: "copy.pseudonymKey", Text: err.Error() + "; until it can, copies are dropped"})
		key = make([]byte, 32) // for the rest of the check
	}
	red, err := compileRules(r.Rules, key)
	if err != nil {
		// An error of a rule begins with rules[3]: and is told of that rule.
		setting, text, _ := strings.Cut(err.Error(), ": ")
		index, one := strings.CutPrefix(setting, "rules")
		if !one {
			index, text = "", err.Error()
		}
		if r.KeyFile == "" && strings.HasPrefix(text, "pseudonyms need a key") {
			text = "pseudonyms need a key, and there is none; name its file with pseudonymKey"
		}
		return append(errs, &config.Error{Setting: "copy.redact" + index, Text: text + "; until it is right, copies are dropped"}), nil
	}
	for _, i := range red.Unused() {
		useless = append(useless, &config.Error{Setting: fmt.Sprintf("copy.redact[%d]", i), Text: "is never applied, because rules before it redact all that it finds; put it before them, or remove it"})
	}
	return errs, useless
}

// redact makes the request that the copy is made of: what the rules leave of live's, in the request of
// the copy's own exchange. After an error the copy is given up, and booked.
func (w *worker) redact(k *copied) error {
	if k.redactor == nil {
		return nil
	}
	w.copy, k.carrier, k.state = k, w, redacting
	err := w.redactHead(k)
	if err == nil && k.hasBody && k.redactor.Bodies() {
		err = w.redactBody(k)
	}
	if err == nil {
		return nil
	}
	w.copy = nil
	switch {
	case errors.Is(err, netloop.ErrCanceled):
		k.drop(w.sender.purged())
	case err == errMemory:
		k.drop(traffic.DroppedMemory)
	case err == errBody:
		k.drop(traffic.DroppedBody)
	default:
		k.drop(traffic.DroppedRedaction)
	}
	k.answer.Release()
	return err
}

func (w *worker) redactHead(k *copied) (err error) {
	if w.head, err = k.redactor.Head(w.head[:0], k.live.Request.Head(&w.scratch)); err != nil {
		return err
	}
	if !k.answer.Request.SetHead(w.head) {
		return errMemory
	}
	k.lineEnd = bytes.IndexByte(w.head, '\n') + 1
	k.hostEnd = k.lineEnd + bytes.IndexByte(w.head[k.lineEnd:], '\n') + 1
	return nil
}

// redactBody redacts a body that has come to its end, if it needs that. Between two pieces it lets others
// have the loop.
func (w *worker) redactBody(k *copied) error {
	live, clean := &k.live.Request, &k.answer.Request
	kind, encoding, err := bodyFields(live.Head(&w.scratch))
	if err != nil {
		return err
	}
	needed, err := k.redactor.Body(string(kind), string(encoding)) // short strings, which stay on the stack
	switch {
	case live.Ended && live.Size == 0 || err == nil && !needed:
		return nil
	case err != nil:
		return err
	case live.Size > k.mirror.MaxBody:
		return errBody
	case live.Truncated():
		return errMemory
	}
	clean.Limit = math.MaxInt
	w.stream.Begin(k.redactor, string(kind))
	var at traffic.Cursor
	for spent := 0; ; {
		p := live.NextBody(&at)
		if p == nil {
			break
		}
		if w.clean, err = w.stream.Write(w.clean[:0], p); err != nil {
			return err
		}
		if !clean.Append(w.clean) {
			return errMemory
		}
		if spent += len(p); spent >= maxPiece {
			spent = 0
			w.task.Yield()
			if err := w.task.Interrupted(); err != nil {
				return err
			}
		}
	}
	if w.clean, err = w.stream.End(w.clean[:0]); err != nil {
		return err
	}
	if !clean.Append(w.clean) {
		return errMemory
	}
	clean.Ended = true
	k.cleaned, k.altered = true, w.stream.Redacted() > 0
	return nil
}

// bodyFields finds in a head what says how the body is read. What says it twice might be read otherwise by
// others.
func bodyFields(head []byte) (kind, encoding []byte, err error) {
	var seen [2]bool
	for name, value := range traffic.Fields(head) {
		i, field := 0, &kind
		switch {
		case http1.EqualFold(name, "content-type"):
		case http1.EqualFold(name, "content-encoding"):
			i, field = 1, &encoding
		default:
			continue
		}
		if seen[i] {
			return nil, nil, redact.ErrUnsupported
		}
		seen[i], *field = true, bytes.TrimSpace(value)
	}
	return kind, encoding, nil
}

// digests are fields that another body makes wrong.
var digests = []string{"digest", "content-digest", "content-md5", "repr-digest"}

// drops says which fields of the head, or the trailer, are not true of a redacted body.
func (k *copied) drops(name []byte) bool {
	if !k.cleaned {
		return false
	}
	for _, digest := range digests {
		if k.altered && http1.EqualFold(name, digest) {
			return true
		}
	}
	return http1.EqualFold(name, "content-length")
}

// askedHead is the head that the copy's is made of.
func (w *worker) askedHead(k *copied) []byte {
	switch {
	case k.redactor == nil:
		return k.live.Request.Head(&w.scratch)
	case !k.cleaned:
		return k.answer.Request.Head(&w.scratch)
	}
	w.head = route.AppendWithout(w.head[:0], k.answer.Request.Head(&w.scratch), k.drops)
	return w.head
}

// appendFraming appends the field that says where the body of the copy ends, if its head has none.
func (k *copied) appendFraming(b []byte) []byte {
	switch {
	case k.chunked:
		return append(b, "Transfer-Encoding: chunked\r\n"...)
	case k.cleaned:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, k.answer.Request.Size, 10)
		return append(b, "\r\n"...)
	}
	return b
}

// askedBody is the message whose body the copy has.
func (k *copied) askedBody() *traffic.Message {
	if k.cleaned {
		return &k.answer.Request
	}
	return &k.live.Request
}

// askedTrailer is the trailer of the copy.
func (w *worker) askedTrailer(k *copied) []byte {
	trailer := k.live.Request.Trailer
	if k.redactor == nil || len(trailer) == 0 {
		return trailer
	}
	clean, err := k.redactor.Fields(w.clean[:0], trailer)
	if err != nil {
		return nil
	}
	w.clean = route.AppendWithout(clean, clean, k.drops)
	return w.clean[len(clean):]
}
