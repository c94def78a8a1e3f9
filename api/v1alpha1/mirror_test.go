package v1alpha1

import (
	"encoding/json"
	"testing"
)

// TestJSON checks that the written form survives a round trip, the percentage to its last digit.
func TestJSON(t *testing.T) {
	f := func(text string) {
		t.Helper()
		var spec MirrorSpec
		if err := json.Unmarshal([]byte(text), &spec); err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(spec)
		if err != nil || string(got) != text {
			t.Errorf("%s, error %v, want %s", got, err, text)
		}
	}
	f(`{"targets":[{"url":"http://v2:80"}]}`)
	f(`{"match":[{"if":"method=GET"},{"any":[{"if":"a"},{"all":[{"if":"b"},{"if":"c"}]}],"not":{"if":"d"}}],"percent":0.0001,"writes":true,` +
		`"targets":[{"name":"v2","url":"http://v2:80"},{"url":"http://v1:80","baseline":true}],` +
		`"host":"-shadow","timeout":"5s","maxBody":"64KiB"}`)
	f(`{"targets":[{"url":"http://a","credentials":{"set":{"A":{"file":"/a"}}}}],"copy":{"path":{"regexp":"a","to":"b"},` +
		`"query":{"regexp":"a","to":"b","remove":["c"],"set":{"d":"e"}},"headers":{"set":{"A":"1"},"add":{"B":"2"},"remove":["C"]},` +
		`"credentials":{"drop":["usual"],"dropQuery":["key"],"keepCookies":["locale"],"set":{"A":{"file":"/b","prefix":"Bearer "}},"setQuery":{"q":{"file":"/c"}}},` +
		`"client":"drop","trace":{"baggage":true,"child":true,"start":true,"sampled":"off"}},"chooseBy":"X-Target"}`)
	f(`{"targets":[{"use":"v2"},{"urls":["h2://a","h2://b"],"followVersion":true,` +
		`"tls":{"ca":"ca","serverName":"v2","cert":"c","key":"k","insecure":true},` +
		`"balance":{"policy":"maglev","hash":"header","name":"X-User"},` +
		`"check":{"type":"http","path":"/","host":"v2","statuses":["200-299"],"interval":"1s","timeout":"1s","healthy":1,"unhealthy":2},` +
		`"outlier":{"failures":3,"gatewayErrors":4,"eject":"1s","maxEject":"2s","maxPercent":10},` +
		`"retryBudget":{"percent":10,"minConcurrent":1},"maxRequests":5,"maxConns":6,"connectTimeout":"1s","proxyProtocol":2}]}`)
	f(`{"targets":[{"url":"https://a","check":{"type":"grpc","service":"shop"},"outlier":{"disabled":true}}]}`)
}
