package console

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestUpstreams(t *testing.T) {
	w := newWorld()
	contains(t, w, "/api/v1/upstreams", `{"total":1,"upstreams":[{"name":"shop:9000","url":"http://shop:9000",`+
		`"options":["balance least-request","max-requests 200"],`+
		`"lookup_error":"resolving shop: the name server did not answer","panic":false,`+
		`"requests":{"running":2,"limit":200,"refused":5},"connections":{"running":9,"limit":0,"refused":0},`+
		`"retries":{"running":1,"limit":3,"refused":4},"servers":[`+
		`{"address":"192.0.2.1:9000","host":"shop","weight":1,"priority":0,"well":true,"active":2,"requests":1000,"failed":3,"busy_seconds":2.5,"ejections":0},`+
		`{"address":"192.0.2.2:9000","host":"shop","weight":1,"priority":0,"well":false,"why":"5 requests in a row failed",`+
		`"ejected_until":"2023-11-14T22:13:50Z",`+
		`"active":0,"requests":40,"failed":15,"busy_seconds":0.25,"ejections":1}]}]}`)
	get(t, w, "/api/v1/upstreams?name=shop", 400)
	w.ups = nil
	contains(t, w, "/api/v1/upstreams", `{"total":0,"upstreams":[]}`)
}

func TestUpstreamsOfOneNameAreListedByThemselves(t *testing.T) {
	w := newWorld()
	w.ups = []Upstream{someUpstream(), someUpstream()}
	if v := get(t, w, "/api/v1/upstreams?limit=1", 200); v["total"] != 2.0 || v["next_offset"] != 1.0 {
		t.Errorf("%v", v)
	}
}

func TestCertificates(t *testing.T) {
	contains(t, newWorld(), "/api/v1/certificates", `{"certificates":[`+
		`{"cert":"/etc/tain/ca.pem","names":["CN=Shop Root"],"not_after":"2030-03-17T17:46:40Z","loaded":"2023-11-14T22:13:20Z"},`+
		`{"cert":"/etc/tain/shop.pem","key":"/etc/tain/shop.key","names":["shop.example.com"],"serial":"1f",`+
		`"not_after":"2027-01-15T08:00:00Z","loaded":"2023-11-14T22:13:20Z","error":"the key is of another certificate"}],"total":2}`)
}

// TestReadyWhateverUpstreamsSay holds that live's troubles do not take tain out of service: all
// replicas would go at once, and nobody would be left to say so.
func TestReadyWhateverUpstreamsSay(t *testing.T) {
	w := newWorld()
	for i := range w.ups[0].Servers {
		w.ups[0].Servers[i].Well = false
	}
	w.certs[0].NotAfter = time.Unix(0, 0)
	get(t, w, "/readyz", 200)
}

func TestUpstreamsAreMeasured(t *testing.T) {
	text := scrape(newWorld())
	f := func(line string) {
		t.Helper()
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no %s", line)
		}
	}
	const of = `upstream="shop:9000"`
	f(`tain_upstream_servers{` + of + `} 2`)
	f(`tain_upstream_servers_well{` + of + `} 1`)
	f(`tain_upstream_panic{` + of + `} 0`)
	f(`tain_upstream_last_lookup_successful{` + of + `} 0`)
	f(`tain_upstream_running{kind="requests",` + of + `} 2`)
	f(`tain_upstream_running{kind="connections",` + of + `} 9`)
	f(`tain_upstream_limit{kind="requests",` + of + `} 200`)
	f(`tain_upstream_limit{kind="connections",` + of + `} 0`)
	f(`tain_upstream_limit{kind="retries",` + of + `} 3`)
	f(`tain_upstream_refused_total{kind="requests",` + of + `} 5`)
	f(`tain_upstream_refused_total{kind="retries",` + of + `} 4`)
	const second = `server="192.0.2.2:9000",` + of
	f(`tain_upstream_server_well{server="192.0.2.1:9000",` + of + `} 1`)
	f(`tain_upstream_server_well{` + second + `} 0`)
	f(`tain_upstream_server_active{server="192.0.2.1:9000",` + of + `} 2`)
	f(`tain_upstream_server_requests_total{` + second + `} 40`)
	f(`tain_upstream_server_failed_total{` + second + `} 15`)
	f(`tain_upstream_server_busy_seconds_total{` + second + `} 0.25`)
	f(`tain_upstream_server_ejections_total{` + second + `} 1`)
	const pair = `cert="/etc/tain/shop.pem",key="/etc/tain/shop.key"`
	f(`tain_certificate_not_after_seconds{cert="/etc/tain/ca.pem",key=""} 1.9e+09`)
	f(`tain_certificate_not_after_seconds{` + pair + `} 1.8e+09`)
	f(`tain_certificate_last_load_successful{` + pair + `} 0`)
	f(`tain_certificate_last_load_successful{cert="/etc/tain/ca.pem",key=""} 1`)
	f(`tain_access_log_written_total 98`)
	f(`tain_access_log_lost_total 2`)
}

// TestServersMeasuredAreBounded holds that a name with thousands of addresses does not make a scrape
// of tens of thousands of lines.
func TestServersMeasuredAreBounded(t *testing.T) {
	w := newWorld()
	w.ups[0].Servers = nil
	for i := range maxServers + 5 {
		w.ups[0].Servers = append(w.ups[0].Servers, Server{Address: fmt.Sprintf("192.0.2.1:%d", i), Well: true})
	}
	if n := testutil.CollectAndCount(collector{w.sources()}, "tain_upstream_server_well"); n != maxServers {
		t.Errorf("%d servers are measured, want %d", n, maxServers)
	}
	if text := scrape(w); !strings.Contains(text, fmt.Sprintf("tain_upstream_servers_well{upstream=\"shop:9000\"} %d\n", maxServers+5)) {
		t.Error("the sum is not of all servers")
	}
}

// TestUpstreamsOfOneNameAreAdded holds that two upstreams that differ in options alone do not break the
// scrape.
func TestUpstreamsOfOneNameAreAdded(t *testing.T) {
	one, two, three := someUpstream(), someUpstream(), someUpstream()
	one.LookupError, two.Name = "", "other:9000"
	three.Panic, three.Connections.Limit = true, 10
	three.Servers = []Server{
		{Address: "192.0.2.2:9000", Well: true, Active: 1, Requests: 2, Failed: 1, Busy: 0.5, Ejections: 1},
		{Address: "192.0.2.3:9000", Well: true},
	}
	sums := byName([]Upstream{one, two, three})
	if len(sums) != 2 || sums[0].Name != "shop:9000" || sums[1].Name != "other:9000" {
		t.Fatalf("added up to %+v", sums)
	}
	u := sums[0]
	if !u.Panic || u.LookupError == "" || len(u.Servers) != 3 {
		t.Errorf("the sum is %+v", u)
	}
	if want := (Limit{Running: 4, Limit: 400, Refused: 10}); u.Requests != want {
		t.Errorf("requests %+v, want %+v", u.Requests, want)
	}
	if want := (Limit{Running: 18}); u.Connections != want {
		t.Errorf("connections %+v, want %+v: one of the two has no limit", u.Connections, want)
	}
	s := u.Servers[1]
	if s.Well || s.Active != 1 || s.Requests != 42 || s.Failed != 16 || s.Busy != 0.75 || s.Ejections != 2 {
		t.Errorf("the second server adds up to %+v", s)
	}
	if !reflect.DeepEqual(one.Servers, someUpstream().Servers) {
		t.Errorf("adding up changed what was added: %+v", one.Servers)
	}
	w := newWorld()
	w.ups = []Upstream{one, two, three}
	if problems, err := testutil.CollectAndLint(collector{w.sources()}); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}
