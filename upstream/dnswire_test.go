package upstream

import (
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

func FuzzReply(f *testing.F) {
	q, err := question("_http._tcp.web.test", dnsmessage.TypeSRV)
	if err != nil {
		f.Fatal(err)
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 0x4711, Response: true},
		Questions: []dnsmessage.Question{q},
		Answers:   []dnsmessage.Resource{srv("_http._tcp.web.test", 60, 1, 2, 80, "a.test"), cname("a.test", 1, "b.test")},
		Additionals: []dnsmessage.Resource{
			at("a.test", 60, "10.0.0.1"), at("a.test", 60, "fd00::1"),
		},
	}
	msg, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(msg)
	f.Add(forged(msg)[1])
	query, err := appendQuery(nil, 0x4711, q)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(query)
	f.Fuzz(func(t *testing.T, msg []byte) {
		r, err := parseReply(msg, 0x4711, q)
		if err != nil {
			return
		}
		if r.ttl < 0 || r.ttl > maxTTL || len(r.addrs) > 0 {
			t.Errorf("an answer about services: %+v", r)
		}
		for _, s := range r.services {
			for _, ip := range s.addrs {
				if s.host == "" || !ip.IsValid() || ip.Is4In6() {
					t.Errorf("a service: %+v", s)
				}
			}
		}
	})
}

func TestQuestionOfAnyLength(t *testing.T) {
	f := func(name string, fits bool) {
		t.Helper()
		q, err := question(name, dnsmessage.TypeA)
		if err == nil {
			_, err = appendQuery(nil, 1, q)
		}
		if (err == nil) != fits {
			t.Errorf("%q fits: %v", name, err)
		}
	}
	label := "a23456789012345678901234567890123456789012345678901234567890123"
	f("a", true)
	f(label+".test", true)
	f(label+"x.test", false)
	f("a..test", false)
	f(label+"."+label+"."+label+"."+label, false)
	f("", true) // the root
}

func TestRecordsOfOtherClassesDoNotCount(t *testing.T) {
	q, _ := question("shop.test", dnsmessage.TypeA)
	other := at("shop.test", 1, "10.0.0.1")
	other.Header.Class = dnsmessage.ClassCHAOS
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 1, Response: true},
		Questions: []dnsmessage.Question{q},
		Answers:   []dnsmessage.Resource{other, at("shop.test", 60, "10.0.0.2"), at("shop.test", 1, "fd00::1")},
	}
	msg, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	r, err := parseReply(msg, 1, q)
	if err != nil || texts(r.addrs) != "10.0.0.2" || r.ttl != time.Minute {
		t.Errorf("%s for %v, %v", texts(r.addrs), r.ttl, err)
	}
}
