package proxy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tain.dev/tain/config"
	"tain.dev/tain/route"
	"tain.dev/tain/test/wire"
	"tain.dev/tain/traffic"
)

const (
	typicalGet = "GET /items/7?fields=name HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: Mozilla/5.0\r\n" +
		"Accept: application/json\r\nAccept-Encoding: gzip\r\nCookie: session=0f4c1a6d9e\r\nConnection: keep-alive\r\n\r\n"
	typicalJSON = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 37\r\n\r\n" + `{"id":7,"name":"green tea","ok":true}`
)

func noOffer(int, *route.Route, *route.Request, *traffic.Arrival) *traffic.Exchange { return nil }

// startTypical starts a proxy as it is by default, before a backend that gives the same answer to every
// such request.
func startTypical(t testing.TB, request, answer string) *rig {
	cfg := config.Defaults()
	end := "\r\n\r\n"
	if strings.Contains(request, "chunked") {
		end = "0\r\n\r\n"
	}
	backend := wire.Answerer(t, end, answer)
	return start(t, &cfg, "route shop\nhost shop.example *.shop.example\npath /items/*\nbackend http://"+backend+"\n", noOffer)
}

// TestAllocatesNothing holds that a steady request costs no allocation.
func TestAllocatesNothing(t *testing.T) {
	const requests = 10_000
	f := func(what, request, answer, want string) {
		t.Helper()
		r := startTypical(t, request, answer)
		user := wire.NewAsker(t, r.addr, request, want)
		if n := user.AllocsPerAsk(requests); n >= 0.1 {
			t.Errorf("%s: %.2f allocations per request, want 0", what, n)
		}
		user.Close()
	}
	f("a length", typicalGet, typicalJSON, typicalJSON)
	chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
	f("chunks", typicalGet, chunked, chunked)
	large := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", 40<<10, strings.Repeat(".", 40<<10))
	f("a large answer", typicalGet, large, large)
	hinted := "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + typicalJSON
	f("early hints", typicalGet, hinted, hinted)
	post := strings.Replace(typicalGet, "GET", "POST", 1)
	f("a body with its head", strings.Replace(post, "Connection: keep-alive\r\n", "Content-Length: 5\r\n", 1)+"hello", typicalJSON, typicalJSON)
	f("an upload", strings.Replace(post, "Connection: keep-alive\r\n", "Transfer-Encoding: chunked\r\n", 1)+"5\r\nhello\r\n0\r\n\r\n", typicalJSON, typicalJSON)
}

// TestRulesAllocateNothing holds the same with all that may be asked of a route, and with an access log.
func TestRulesAllocateNothing(t *testing.T) {
	const requests = 10_000
	cfg := config.Defaults()
	configure(t, &cfg, map[string]string{"log": "$remote_addr $request $status $upstream_addr $http_user_agent"})
	backend := wire.Answerer(t, "\r\n\r\n", typicalJSON)
	r := start(t, &cfg, "route shop\nretry 2\nrequest-timeout 1m\nsession cookie session\nrequest set X-A b\nrewrite-path prefix /v2\n"+
		"response remove X-B\ncors origins *\nbackend http://"+backend+"\nbalance maglev address\nrequest add X-C d\nresponse add X-E f\n", noOffer)
	b := binding{r.token(0), time.Now().Unix(), time.Now().Unix()}
	request := strings.Replace(typicalGet, "session=0f4c1a6d9e", "session="+string(b.appendTo(nil)), 1)
	head, body, _ := strings.Cut(typicalJSON, "\r\n\r\n")
	user := wire.NewAsker(t, r.addr, request, head+"\r\nX-E: f\r\nAccess-Control-Allow-Origin: *\r\n\r\n"+body)
	if n := user.AllocsPerAsk(requests); n >= 0.1 {
		t.Errorf("%.2f allocations per request, want 0", n)
	}
	user.Close()
}

// BenchmarkProxy carries one request after the other over one connection.
func BenchmarkProxy(b *testing.B) {
	r := startTypical(b, typicalGet, typicalJSON)
	user := wire.NewAsker(b, r.addr, typicalGet, typicalJSON)
	user.Ask()
	b.ReportAllocs()
	for b.Loop() {
		user.Ask()
	}
	user.Close()
}
