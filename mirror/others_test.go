package mirror

import (
	"strings"
	"testing"

	"tain.dev/tain/route"
	"tain.dev/tain/test/wire"
)

// TestPoliciesOfOthers builds what Envoy, Istio and the Gateway API can say of a mirror, as their intake
// has to, and plays it. docs/coming-from.md has the table.
func TestPoliciesOfOthers(t *testing.T) {
	const request = "GET /a%2Fb/?q=%41&q HTTP/1.1\r\nHost: shop:8080\r\n"
	mutations := route.Copy{Header: route.CopyEdits{
		RemoveLike:  []string{"x-old-.*"}, // remove_on_match
		HeaderEdits: route.HeaderEdits{Add: fields("A: 2"), Set: fields("B: 2"), Remove: []string{"C"}},
		Default:     fields("D: 2", "E: 2"), // ADD_IF_ABSENT
		Replace:     fields("F: 2", "G: 2"), // OVERWRITE_IF_EXISTS
	}}
	const traced = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0"

	// f plays a request with fields, and expects the copy, or "" and these lines of the books.
	f := func(policy string, m route.Mirror, fields, copied, books string) {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			playPolicy(t, &m, request+lines(fields), copied, books)
		})
	}
	same := request + "X-Tain-Mirror: test/m\r\n"
	all := route.Sample{PerMillion: route.All}
	f("envoy cluster", route.Mirror{Sample: all}, "", same, "")
	f("envoy without disable_shadow_host_suffix_append", route.Mirror{Sample: all, Host: route.HostRewrite{Kind: route.HostSuffix, Value: "-shadow"}}, "",
		strings.Replace(same, "shop:", "shop-shadow:", 1), "")
	f("envoy host_rewrite_literal", route.Mirror{Sample: all, Host: route.HostRewrite{Kind: route.HostSet, Value: "v2:81"}}, "",
		strings.Replace(same, "shop:8080", "v2:81", 1), "")
	f("envoy runtime_fraction 0", route.Mirror{}, "", "", "seen 1\nunsampled 1\n")
	f("envoy trace_sampled unset", route.Mirror{Sample: all}, "traceparent: "+traced+"1", request+"traceparent: "+traced+"1\r\nX-Tain-Mirror: test/m\r\n", "")
	f("envoy trace_sampled false, as from istio", route.Mirror{Sample: all, Copy: route.Copy{Trace: route.Trace{Sampled: route.SampledOff}}},
		"traceparent: "+traced+"1", request+"traceparent: "+traced+"0\r\nX-Tain-Mirror: test/m\r\n", "")
	f("envoy trace_sampled true", route.Mirror{Sample: all, Copy: route.Copy{Trace: route.Trace{Sampled: route.SampledOn}}},
		"traceparent: "+traced+"0", request+"traceparent: "+traced+"1\r\nX-Tain-Mirror: test/m\r\n", "")
	f("envoy cluster_header", route.Mirror{Sample: all, ChooseBy: "X-Cluster"}, "X-Cluster: v2", request+"X-Cluster: v2\r\nX-Tain-Mirror: test/m\r\n", "")
	f("envoy cluster_header, several", route.Mirror{Sample: all, ChooseBy: "X-Cluster"}, "X-Cluster: v2|X-Cluster: v3",
		request+"X-Cluster: v2\r\nX-Cluster: v3\r\nX-Tain-Mirror: test/m\r\n", "")
	f("envoy cluster_header, missing", route.Mirror{Sample: all, ChooseBy: "X-Cluster"}, "", "", "seen 1\nunmatched rule 1\n")
	f("envoy cluster_header, empty", route.Mirror{Sample: all, ChooseBy: "X-Cluster"}, "X-Cluster:", "", "seen 1\nunmatched rule 1\n")
	f("envoy cluster_header, unknown", route.Mirror{Sample: all, ChooseBy: "X-Cluster"}, "X-Cluster: v1", "", "seen 1\nunmatched rule 1\n")
	f("envoy request_headers_mutations", route.Mirror{Sample: all, Copy: mutations}, "a: 1|B: 1|b: 1|c: 1|D: 1|F: 1|X-Old-A: 1|Z: 1",
		request+lines("a: 1|D: 1|Z: 1|E: 2|F: 2|B: 2|A: 2")+"X-Tain-Mirror: test/m\r\n", "")
	f("istio mirrorPercentage 0", route.Mirror{Copy: route.Copy{Trace: route.Trace{Sampled: route.SampledOff}}}, "", "", "seen 1\nunsampled 1\n")
	f("gateway api percent absent", route.Mirror{Sample: all}, "", same, "")
}

// lines are fields, separated by |, as they are sent.
func lines(fields string) string {
	if fields == "" {
		return ""
	}
	return strings.ReplaceAll(fields, "|", "\r\n") + "\r\n"
}

// fields are written as name: value.
func fields(all ...string) (list []route.HeaderField) {
	for _, text := range all {
		name, value, _ := strings.Cut(text, ": ")
		list = append(list, route.HeaderField{Name: name, Value: value})
	}
	return list
}

// playPolicy sends a request, without the end of its head, through a mirror to target v2.
func playPolicy(t *testing.T, m *route.Mirror, request, copied, books string) {
	r := start(t, plain(), all)
	m.Name, m.Writes = "m", true
	m.Targets = []route.Target{{Name: "v2", URL: "http://" + r.target.Addr}}
	table, errs := route.New([]*route.Route{{Name: "all", Backends: []route.Backend{{URL: "http://" + r.live.Addr, Weight: 1}}, Mirrors: []*route.Mirror{m}}})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if again, errs := route.Parse(table.String()); len(errs) > 0 || again.String() != table.String() {
		t.Errorf("%s reads as %s, %v", table, again, errs)
	}
	r.SetTable(table)
	r.proxy.SetTable(table)
	const answer = "HTTP/1.1 204 No Content\r\n\r\n"
	user := wire.Dial(t, "user", r.addr)
	user.Sends(request + "\r\n")
	live := r.live.Accepts()
	live.Gets(request + "\r\n")
	live.Sends(answer)
	if copied != "" {
		target := r.target.Accepts()
		target.Gets(copied + "\r\n")
		target.Sends(answer)
		books = "seen 1\nsent 1\nanswered 1\ncompared 1\n"
	}
	user.Gets(answer)
	user.Closes()
	r.waitFor(t, "v2", books)
}
