package redact

import "strings"

// A bodyKind is how a body is redacted.
type bodyKind uint8

const (
	unknownBody bodyKind = iota
	jsonBody
	formBody  // if it is not JSON after all
	textBody  // text that may be JSON, and is refused if it is not
	mediaBody // pictures, sound, fonts: there are no fields in them
)

// Body reports whether a body needs to be redacted, given the two header fields that say what it is,
// each empty if it is missing. The error is ErrUnsupported when rules might apply to it that can't be
// applied: then its message must not leave.
//
// JSON and forms can be redacted, in UTF-8 and not compressed. Text without a type or of type
// text/plain is taken for JSON, and refused if it is not. In pictures, sound, films and fonts there
// is nothing to redact. All other bodies are refused: multipart, XML, gRPC, what is compressed.
func (r *Redactor) Body(contentType, contentEncoding string) (needed bool, err error) {
	kind := kindOf(contentType)
	switch {
	case r.places&(JSON|Form) == 0, kind == mediaBody, kind == jsonBody && r.places&JSON == 0:
		return false, nil
	case kind == unknownBody, kind == textBody && r.places&JSON == 0:
		return false, ErrUnsupported
	case contentEncoding != "" && !strings.EqualFold(contentEncoding, "identity"):
		return false, ErrUnsupported
	}
	return true, nil
}

// jsonTypes are the media types of JSON, and of sequences of it, beside those that end in +json.
var jsonTypes = []string{
	"application/json", "text/json", "application/x-json", "application/x-ndjson", "application/ndjson",
	"application/jsonl", "application/jsonlines", "application/json-seq", "application/csp-report", "text/x-json",
}

// kindOf says how a body of a media type is redacted.
func kindOf(contentType string) bodyKind {
	media, parameters, _ := strings.Cut(contentType, ";")
	media = strings.Trim(media, " \t")
	switch {
	case !plainCharset(parameters):
		return unknownBody
	case media == "", strings.EqualFold(media, "text/plain"):
		return textBody
	case strings.EqualFold(media, "application/x-www-form-urlencoded"):
		return formBody
	case hasPrefixFold(media, "application/grpc"), hasPrefixFold(media, "application/connect+"):
		return unknownBody // messages in frames, whatever they are made of
	case len(media) > 5 && strings.EqualFold(media[len(media)-5:], "+json"):
		return jsonBody
	case len(media) > 4 && strings.EqualFold(media[len(media)-4:], "+xml"): // SVG, too, has text in it
		return unknownBody
	}
	for _, known := range jsonTypes {
		if strings.EqualFold(media, known) {
			return jsonBody
		}
	}
	for _, family := range []string{"image/", "audio/", "video/", "font/"} {
		if hasPrefixFold(media, family) {
			return mediaBody
		}
	}
	return unknownBody
}

// plainCharset reports whether the parameters of a media type let text be UTF-8.
func plainCharset(parameters string) bool {
	const name = "charset="
	for parameters != "" {
		var one string
		one, parameters, _ = strings.Cut(parameters, ";")
		one = strings.Trim(one, " \t")
		if !hasPrefixFold(one, name) {
			continue
		}
		charset := strings.Trim(one[len(name):], `" `)
		if !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "utf8") && !strings.EqualFold(charset, "us-ascii") {
			return false
		}
	}
	return true
}

func hasPrefixFold(text, prefix string) bool {
	return len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix)
}
