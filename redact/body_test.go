package redact

import "testing"

func TestBodyKinds(t *testing.T) {
	both, json, form := compile(t, Rule{Name: "token"}), compile(t, Rule{Path: "$.token"}), compile(t, Rule{In: Form, Name: "token"})
	head := compile(t, Rule{In: Header | Query | Cookie, Name: "token"}, Rule{In: Header, Detect: Card})
	// want says for the rules both, json and form: y is needed, n is not, and ! is refused.
	f := func(contentType, encoding, want string) {
		t.Helper()
		got := ""
		for _, r := range []*Redactor{both, json, form} {
			switch needed, err := r.Body(contentType, encoding); {
			case err != nil:
				got += "!"
			case needed:
				got += "y"
			default:
				got += "n"
			}
		}
		if got != want {
			t.Errorf("%s %s: %s, want %s", contentType, encoding, got, want)
		}
		if needed, err := head.Body(contentType, encoding); needed || err != nil {
			t.Errorf("%s %s: without rules for bodies: %v, %v", contentType, encoding, needed, err)
		}
	}
	f("application/json", "", "yyn")
	f("Application/JSON ; charset=\"UTF-8\"", "Identity", "yyn")
	f("application/json; charset=utf-16", "", "!!!")
	f("application/json", "gzip", "!!n")
	f("application/problem+json", "", "yyn")
	f("application/x-ndjson", "", "yyn")
	f("application/json-seq", "", "yyn")
	f("application/x-www-form-urlencoded", "", "yyy")
	f("application/x-www-form-urlencoded", "br", "!!!")
	f("", "", "yy!")
	f("text/plain;charset=utf-8", "", "yy!")
	f("text/html", "", "!!!")
	f("multipart/form-data; boundary=x", "", "!!!")
	f("application/grpc", "", "!!!")
	f("application/grpc+json", "", "!!!")
	f("application/connect+json", "", "!!!")
	f("application/octet-stream", "", "!!!")
	f("image/png", "gzip", "nnn")
	f("image/svg+xml", "", "!!!")
	f("video/mp4", "", "nnn")
}
