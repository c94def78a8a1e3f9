package accesslog

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func init() { time.Local = time.FixedZone("", 3600) }

// lineOf formats an entry.
func lineOf(t testing.TB, setting string, e *Entry) string {
	t.Helper()
	f, err := compile(setting)
	if err != nil {
		t.Fatal(err)
	}
	l := &line{format: f, most: defaultBuffer / 2}
	return string(l.of(e))
}

// everything is an entry with all that there can be.
func everything() *Entry {
	e := typical()
	e.User, e.GRPCStatus = []byte("alice"), []byte("0")
	e.Retries, e.Fault = 1, "timeout"
	e.TLSVersion, e.TLSCipher = tls.VersionTLS13, tls.TLS_AES_128_GCM_SHA256
	e.SNI, e.ClientSubject = "shop.example", "CN=alice,O=Tea"
	return e
}

func TestCombined(t *testing.T) {
	f := func(e *Entry, want string) {
		t.Helper()
		if got := lineOf(t, "combined", e); got != want+"\n" {
			t.Errorf("%swant\n%s", got, want)
		}
	}
	const agent = `"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"`
	f(typical(), `192.0.2.1 - - [21/Nov/2026:12:39:01 +0100] "GET /orders/4711?page=2&size=50 HTTP/1.1" 200 5120 "https://shop.example/orders" `+agent)
	f(everything(), `192.0.2.1 - alice [21/Nov/2026:12:39:01 +0100] "GET /orders/4711?page=2&size=50 HTTP/1.1" 200 5120 "https://shop.example/orders" `+agent)
	f(&Entry{}, `unix: - - [01/Jan/1970:01:00:00 +0100] "-" 000 0 "-" "-"`)
	f(&Entry{Client: netip.MustParseAddrPort("[2001:db8::1]:1"), Method: []byte("BREW"), Target: []byte(`/"\x`), UserAgent: []byte("\té\x7f\x00"), Status: 400},
		`2001:db8::1 - - [01/Jan/1970:01:00:00 +0100] "BREW /\x22\x5Cx" 400 0 "-" "\x09\xC3\xA9\x7F\x00"`)
}

func TestJSON(t *testing.T) {
	f := func(e *Entry, want string) {
		t.Helper()
		got := lineOf(t, "json", e)
		if got != strings.ReplaceAll(want, "\n", "")+"\n" || !json.Valid([]byte(got)) {
			t.Errorf("%swant\n%s", got, want)
		}
	}
	f(everything(), `{"time":"2026-11-21T11:39:01.250Z","client":"192.0.2.1","client_port":56324,"method":"GET",
"target":"/orders/4711?page=2&size=50","host":"shop.example","protocol":"HTTP/1.1","status":200,"bytes_in":0,"bytes_out":5120,
"duration":0.001250,"mirrored":true,"user":"alice","route":"orders","backend":"10.0.0.7:8080","first_byte":0.001100,
"upstream_time":0.000900,"retries":1,"fault":"timeout","referer":"https://shop.example/orders",
"user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
"request_id":"0b2f7c1e","grpc_status":"0","tls_version":"TLSv1.3","tls_cipher":"TLS_AES_128_GCM_SHA256","sni":"shop.example",
"client_subject":"CN=alice,O=Tea"}`)
	f(&Entry{}, `{"time":"1970-01-01T00:00:00.000Z","client":"unix:","client_port":0,"method":"","target":"","host":"","protocol":"",
"status":0,"bytes_in":0,"bytes_out":0,"duration":0,"mirrored":false}`)
	f(&Entry{Target: []byte("/\"\\\n\x7f"), Host: []byte("é\u0085\u2028\xff"), Duration: 61 * time.Second, Status: 200},
		`{"time":"1970-01-01T00:00:00.000Z","client":"unix:","client_port":0,"method":"","target":"/\"\\\u000A\u007F","host":"é\u0085`+"\u2028\ufffd"+`",
"protocol":"","status":200,"bytes_in":0,"bytes_out":0,"duration":61.000000,"mirrored":false}`)
}

func TestTemplate(t *testing.T) {
	f := func(template string, e *Entry, want string) {
		t.Helper()
		if got := lineOf(t, template, e); got != want+"\n" {
			t.Errorf("%s: %swant\n%s", template, got, want)
		}
	}
	e := everything()
	f("$status", e, "200")
	f("a${status}b$$c", e, "a200b$c")
	f("$path\t$args $host-$remote_port", e, "/orders/4711\tpage=2&size=50 shop.example-56324")
	f("$time_iso8601 $msec $request_time", e, "2026-11-21T12:39:01+01:00 1795261141.250 0.001250")
	f("$ssl_protocol/$ssl_cipher $ssl_client_s_dn", e, "TLSv1.3/TLS_AES_128_GCM_SHA256 CN=alice,O=Tea")
	f("$ssl_protocol $upstream_response_time $retries $mirrored $request_time $remote_port $args", &Entry{Target: []byte("/")}, "- - 0 false 0.000000 - -")
	f(`{"a": "$http_referer", "b": $upstream_response_time, "c": $status}`, &Entry{}, `{"a": "", "b": 0, "c": 0}`)
	f(`{"a": "$http_user_agent"}`, &Entry{UserAgent: []byte(`"`)}, `{"a": "\""}`)
}

func TestRefusedFormats(t *testing.T) {
	f := func(format string, want ...string) {
		t.Helper()
		_, err := compile(format)
		if err == nil {
			t.Errorf("%s is taken", format)
			return
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v; want %q", format, err, w)
			}
		}
	}
	f("", `the format ""`)
	f("combine", `"combine" is neither combined nor json`)
	f("é $status $stat", `no variable "$stat"`, "column 11", " $status ", " $request ")
	f("$", `no variable "$"`, "column 1")
	f("a $-", `no variable "$"`, "column 3")
	f("${status", `no variable "${status"`)
	f("${}", `no variable "${}"`)
	f("$http_authorization", "no variable")
	f("$http_cookie", "no variable")
	f("$status\n$host", "control character at column 8")
}

// TestDocumentedVariables holds that the package comment lists what there is.
func TestDocumentedVariables(t *testing.T) {
	doc := readFile(t, "doc.go")
	documented := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^//\t\$(\w+)(  |$)`).FindAllStringSubmatch(doc, -1) {
		documented[m[1]] = true
	}
	for _, v := range variables {
		if v.name != "" && !documented[v.name] {
			t.Errorf("$%s is not documented", v.name)
		}
		delete(documented, v.name)
	}
	if len(documented) > 0 {
		t.Errorf("documented, but not there: %v", documented)
	}
	var keys []string
	for _, v := range variables {
		if v.key != "" {
			keys = append(keys, v.key)
		}
	}
	_, rest, _ := strings.Cut(strings.ReplaceAll(doc, "\n//\t", " "), "durations are seconds:\n//")
	if got := strings.Fields(rest); len(got) < len(keys) || fmt.Sprint(got[:len(keys)]) != fmt.Sprint(keys) {
		t.Errorf("keys are documented as %v\nwant %v", got, keys)
	}
}

func TestMask(t *testing.T) {
	mask := func(dst, target []byte) []byte {
		return append(dst, bytes.ReplaceAll(target, []byte("secret"), []byte("[masked]"))...)
	}
	e := &Entry{Method: []byte("GET"), Target: []byte("/secret?token=secret"), Referer: []byte("http://a/?secret"), Host: []byte("h")}
	for _, setting := range []string{"combined", "json", "$path $args $request_uri $http_referer $request $host"} {
		form, err := compile(setting)
		if err != nil {
			t.Fatal(err)
		}
		l := &line{format: form, most: defaultBuffer / 2, mask: mask}
		if got := string(l.of(e)); strings.Contains(got, "secret") || !strings.Contains(got, "/[masked]?token=[masked]") {
			t.Errorf("%s: %s", setting, got)
		}
	}
}

func TestLongLinesAreCut(t *testing.T) {
	e := everything()
	e.Target = bytes.Repeat([]byte("\xff"), 60<<10)
	e.UserAgent = bytes.Repeat([]byte("u"), 300)
	for _, format := range []string{"combined", "json"} {
		f, err := compile(format)
		if err != nil {
			t.Fatal(err)
		}
		l := &line{format: f, most: leastBuffer / 2}
		got := string(l.of(e))
		if len(got) > l.most || strings.Count(got, dots) != 2 || !strings.HasSuffix(got, "\n") {
			t.Errorf("%s: %d bytes, %d cut: %s", format, len(got), strings.Count(got, dots), got)
		}
		if !strings.Contains(got, "200") || !strings.Contains(got, strings.Repeat("u", brief)+dots) {
			t.Errorf("%s: %s", format, got)
		}
		if format == "json" && !json.Valid([]byte(got)) {
			t.Errorf("no JSON: %s", got)
		}
		e.Target = e.Target[:10]
		if got := string(l.of(e)); strings.Contains(got, dots) {
			t.Errorf("%s: the next line is cut: %s", format, got)
		}
		e.Target = e.Target[:60<<10]
	}
}

func TestLongestIsTheMost(t *testing.T) {
	e := everything()
	for _, b := range []*[]byte{&e.User, &e.Method, &e.Target, &e.Host, &e.Referer, &e.UserAgent, &e.RequestID, &e.GRPCStatus} {
		*b = bytes.Repeat([]byte{1}, 100<<10)
	}
	for _, s := range []*string{&e.Route, &e.Backend, &e.Fault, &e.SNI, &e.ClientSubject} {
		*s = strings.Repeat("\x01", 100<<10)
	}
	for _, format := range []string{"combined", "json"} {
		f, err := compile(format)
		if err != nil {
			t.Fatal(err)
		}
		l := &line{format: f, most: leastBuffer / 2}
		if got := l.of(e); len(got) > f.longest() || f.longest() > l.most {
			t.Errorf("%s: %d bytes, at most %d of %d expected", format, len(got), f.longest(), l.most)
		}
	}
}

// FuzzTemplate asks that whatever is taken makes one line of every entry.
func FuzzTemplate(f *testing.F) {
	f.Add(combined, "/a\n\x00é")
	f.Add(`{"a": "${request_uri}", $$}`, "\xff\"\\")
	f.Fuzz(func(t *testing.T, template, value string) {
		form, err := compileTemplate(template)
		if err != nil {
			return
		}
		e := everything()
		e.Target, e.UserAgent, e.Route = []byte(value), []byte(value), value
		l := &line{format: form, most: max(defaultBuffer/2, form.longest())}
		got := string(l.of(e))
		body, ended := strings.CutSuffix(got, "\n")
		control := func(r rune) bool { return unicode.IsControl(r) && r != '\t' }
		if !ended || strings.ContainsFunc(body, control) || len(got) > l.most {
			t.Fatalf("%q of %q makes %q", template, value, got)
		}
	})
}

// FuzzEscape asks that the values can be read again.
func FuzzEscape(f *testing.F) {
	f.Add([]byte("plain text"), "é\x80\"\\")
	f.Add([]byte("\x00\x7f\u0085\u2028"), "")
	f.Fuzz(func(t *testing.T, target []byte, route string) {
		var read struct{ Target, Route string }
		got := lineOf(t, "json", &Entry{Target: target, Route: route})
		if err := json.Unmarshal([]byte(got), &read); err != nil {
			t.Fatalf("%q: %v", got, err)
		}
		if len(target)+len(route) < 10_000 && (read.Target != valid(string(target)) || read.Route != valid(route)) {
			t.Fatalf("%q and %q became %q", target, route, got)
		}
		if i := indexSpecial(target); i < len(target) && plain[target[i]] || bytes.ContainsFunc(target[:i], func(r rune) bool { return r > '~' || !plain[r] }) {
			t.Fatalf("the first special byte of %q is at %d", target, i)
		}
	})
}

// valid puts U+FFFD in place of each byte that is not UTF-8.
func valid(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		b.WriteRune(r)
		s = s[size:]
	}
	return b.String()
}
