package config

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tain.dev/tain/api/v1alpha1"
	"tain.dev/tain/route"
)

// parseAfter reads conditions separated by " ; ".
func parseAfter(texts string) (route.After, []error) {
	var conditions []v1alpha1.Condition
	for text := range strings.SplitSeq(texts, " ; ") {
		conditions = append(conditions, v1alpha1.Condition{If: text})
	}
	a, errs := outcomes.all("after", conditions)
	for _, err := range errs {
		var e *Error
		if errors.As(err, &e) {
			e.Setting = strings.TrimSuffix(e.Setting, ".if")
		}
	}
	return a, errs
}

func TestParseAfter(t *testing.T) {
	// f checks the conditions that texts stand for.
	f := func(texts, want string) {
		t.Helper()
		a, errs := parseAfter(texts)
		got := a.String()
		for _, err := range errs {
			got += err.Error() + "\n"
		}
		if got != want {
			t.Errorf("%s: got\n%swant\n%s", texts, got, want)
		}
	}
	f("status=2xx", "status 200-299\n")
	f("status=2xx,404,500-503", "status 200-299 404 500-503\n")
	f("status>=500", "status 500-599\n")
	f("status<400", "status 100-399\n")
	f("status>=400 ; status<500", "status 400-499\n")
	f("status!=404", "not status 404\n")
	f("latency>200ms ; latency<=1s", "latency >= 200.000001ms\nlatency <= 1s\n")
	f("backend=a:80,*.b:80", "backend a:80 *.b:80\n")
	f("backend!=a:80", "not backend a:80\n")
	f("fault", "fault\n")
	f("!fault", "not fault\n")
	f("size>1KiB", "size >= 1025\n")
	f("response.header.X-Cache=HIT ; !response.header.Age ; response.header.A^=b", "response-header X-Cache = HIT\nresponse-header A ^= b\nnot response-header Age present\n")
	f("json:$.user.country=CH ; json:$.items[*].id ; json:$.a!~=x+", "json $.user.country = CH\njson $.items[*].id present\nnot json $.a ~ x+\n")
	f(`json:$["a.b"][0]^=1`, `json $["a.b"][0] ^= 1`+"\n")
	f("method=POST ; path=/a/* ; !header.X", "path /a/*\nmethod POST\nnot header X present\n")
	f("path=/a/* ; status=200 ; cookie.a=1", "path /a/*\ncookie a = 1\nstatus 200\n")
	f(`response.status >= 500 || latency > duration("200ms")`, "when response.status >= 500 || latency > duration(\"200ms\")\n")
	f(`latency>duration("200ms")`, "when latency>duration(\"200ms\")\n")
	f(`fault == "timeout" ; method == "GET"`, "when (fault == \"timeout\") && (method == \"GET\")\n")

	const neither = "is neither a short form such as status=2xx nor an expression: "
	f("status=ok", `after[0]: "status=ok": "ok" is not a status; use one such as 404, 2xx or 200-399`+"\n")
	f("status>=600", `after[0]: "status>=600": "600" is not a status; use 100 to 599`+"\n")
	f("status<100", `after[0]: "status<100": no status is < 100`+"\n")
	f("status=200 ; status=404,405", "status 200\n"+`after[1]: "status=404,405": there is a status already; list them as status=2xx,404`+"\n")
	f("status>=500 ; status<400", "status 500-599\n"+`after[1]: "status<400": there is a status already; list them as status=2xx,404`+"\n")
	f("backend=a ; backend=b", "backend a\n"+`after[1]: "backend=b": there is a backend already; list them as backend=a:80,b:80`+"\n")
	f("path=/a ; path=/b", "path /a\n"+`after[1]: "path=/b": there is a path already; join them to one expression with &&`+"\n")
	f("status", `after[0]: "status": has no value; use one such as status=…`+"\n")
	f("!status=200", `after[0]: "!status=200": has ! and =; use one of them`+"\n")
	f("status~=2", `after[0]: "status~=2": ~= can't be used with status; look for another operator, or write an expression`+"\n")
	f("fault=x", `after[0]: "fault=x": = can't be used with fault; look for another operator, or write an expression`+"\n")
	f("latency>5", `after[0]: "latency>5": "5" is not a duration; use one such as 10s or 500ms`+"\n")
	f("latency=1s", "latency = 1s\n")
	f("size>1zb", `after[0]: "size>1zb": "1zb" is not a size; use one such as 64MiB`+"\n")
	f("statis=200", `after[0]: "statis=200": `+neither+"Syntax error: token recognition error at: '=2'\n")
	f(`response.header["X"] == "a"`, `after[0]: "response.header[\"X\"] == \"a\"": the names of headers are in lower case; use "x"`+"\n")
	f(`response.size == 3`, `after[0]: "response.size == 3": `+neither+"undeclared reference to 'response'\n")
}

func TestOutcomeExpressions(t *testing.T) {
	x := &route.Exchanged{
		Head:     []byte("POST /a?q=1 HTTP/1.1\r\nHost: Shop.example:80\r\nX-Env: prod\r\n"),
		BodySize: 100, Status: 503, Latency: 250 * time.Millisecond, Backend: "b:80", Fault: "timeout",
		Header: func(name string) (string, bool) { return "HIT", name == "x-cache" },
	}
	f := func(text string, want bool) {
		t.Helper()
		holds, err := CompileOutcome(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := holds(x); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	f(`response.status == 503`, true)
	f(`response.status in [500, 502]`, false)
	f(`latency > duration("200ms") && latency < duration("1s")`, true)
	f(`response.header["x-cache"] == "HIT"`, true)
	f(`response.header["age"] == "1"`, false)
	f(`!("age" in response.header)`, true)
	f(`backend.startsWith("b:") && fault == "timeout"`, true)
	f(`request.body_size == 100 && body_size == 100`, true)
	f(`method == "POST" && path == "/a" && query.q == "1" && host == "shop.example" && header["x-env"] == "prod"`, true)
	x.Header = nil
	f(`"x-cache" in response.header`, false)
	if _, err := CompileExpression("response.status == 200"); err == nil {
		t.Error("a condition on the head may ask for the answer")
	}
}

// FuzzAfter checks that no condition makes the reader or the compiled conditions fail, and that their
// text form reads back.
func FuzzAfter(f *testing.F) {
	for _, seed := range []string{"status=2xx", "status>=500", "json:$.a[*]!=b", "latency<1s", "response.header.a^=b", "fault", "!cookie.a", "response.status == 200"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, errs := parseAfter(strings.ReplaceAll(text, ";", ""))
		if len(errs) > 0 {
			return
		}
		line := "route r\nbackend http://b\nmirror m 1%\nafter\n" + a.String() + "end\nto http://t\n"
		table, errs := route.ParseWith(line, route.Compile{When: CompileExpression, After: CompileOutcome})
		if len(errs) > 0 {
			return // such as a header name that is none: the table says so
		}
		after := table.Routes()[0].Mirrors[0].After
		if after.String() != a.String() {
			t.Errorf("%q is\n%sand reads back as\n%s", text, a.String(), after)
		}
		after.Matches(&route.Exchanged{Head: []byte("GET / HTTP/1.1\r\nHost: h\r\n"), Status: 200})
	})
}
