package upstream

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// nameServer is a DNS server on the loopback, by UDP and TCP. A name that has no records at all does
// not exist.
type nameServer struct {
	t    *testing.T
	addr netip.AddrPort

	mu        sync.Mutex
	names     map[string][]dnsmessage.Resource // by name without final dot
	rcode     dnsmessage.RCode                 // of every answer, unless it is success
	fails     map[dnsmessage.Type]bool         // types that it answers with SERVFAIL
	silent    bool                             // answers nothing
	cut       bool                             // truncates all that it sends by UDP
	refers    bool                             // neither knows nor asks others
	mangle    func(msg []byte) [][]byte        // what it sends by UDP instead of msg
	asked     []string                         // "name type protocol"
	askedFrom map[netip.AddrPort]bool
}

// serveNames starts a server at host. With port 0 it gets a free one.
func serveNames(t *testing.T, host string, port uint16) *nameServer {
	t.Helper()
	s := &nameServer{t: t, names: map[string][]dnsmessage.Resource{}, fails: map[dnsmessage.Type]bool{}, askedFrom: map[netip.AddrPort]bool{}}
	ip := netip.MustParseAddr(host)
	var all sync.WaitGroup
	for try := 0; ; try++ {
		udp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, port)))
		if err != nil {
			t.Fatal(err)
		}
		s.addr = udp.LocalAddr().(*net.UDPAddr).AddrPort()
		tcp, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(s.addr))
		if err != nil {
			udp.Close()
			if port != 0 || try == 10 {
				t.Fatal(err)
			}
			continue // someone has the TCP port of that number
		}
		t.Cleanup(func() {
			udp.Close()
			tcp.Close()
			all.Wait()
		})
		all.Go(func() { s.serveUDP(udp) })
		all.Go(func() { s.serveTCP(tcp) })
		return s
	}
}

func (s *nameServer) serveUDP(conn *net.UDPConn) {
	buf := make([]byte, 4096)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		msg := s.answer(buf[:n], "udp", from)
		if msg == nil {
			continue
		}
		out := [][]byte{msg}
		s.do(func() {
			if s.mangle != nil {
				out = s.mangle(msg)
			}
		})
		for _, m := range out {
			conn.WriteToUDPAddrPort(m, from)
		}
	}
}

func (s *nameServer) serveTCP(ln *net.TCPListener) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		query, err := receiveFramed(conn)
		if err == nil {
			if msg := s.answer(query, "tcp", conn.RemoteAddr().(*net.TCPAddr).AddrPort()); msg != nil {
				conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(msg))), msg...))
			}
		}
		conn.Close()
	}
}

// answer makes the answer to a query, nil if there is none.
func (s *nameServer) answer(query []byte, protocol string, from netip.AddrPort) []byte {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil || len(m.Questions) != 1 || !m.RecursionDesired || len(m.Additionals) != 1 {
		s.t.Errorf("a query that is none: %v, %+v", err, m)
		return nil
	}
	q := m.Questions[0]
	name := strings.TrimSuffix(q.Name.String(), ".")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, name+" "+strings.TrimPrefix(q.Type.String(), "Type")+" "+protocol)
	s.askedFrom[from] = true
	if s.silent {
		return nil
	}
	records, known := s.names[strings.ToLower(name)]
	m.Response, m.RecursionAvailable, m.RCode, m.Additionals = true, !s.refers, s.rcode, nil
	if s.rcode == dnsmessage.RCodeSuccess && !known {
		m.RCode = dnsmessage.RCodeNameError
	}
	if s.fails[q.Type] {
		m.RCode = dnsmessage.RCodeServerFailure
	}
	for _, r := range records {
		switch {
		case m.RCode != dnsmessage.RCodeSuccess || s.refers:
		case r.Header.Type == q.Type || r.Header.Type == dnsmessage.TypeCNAME:
			m.Answers = append(m.Answers, r)
		case q.Type == dnsmessage.TypeSRV:
			m.Additionals = append(m.Additionals, r)
		}
	}
	if protocol == "udp" && s.cut {
		m.Truncated, m.Answers, m.Additionals = true, nil, nil
	}
	msg, err := m.Pack()
	if err != nil {
		s.t.Error(err)
	}
	return msg
}

// do changes what the server does.
func (s *nameServer) do(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// set gives a name its records.
func (s *nameServer) set(name string, records ...dnsmessage.Resource) {
	s.do(func() { s.names[name] = records })
}

// questions returns what was asked, and forgets it.
func (s *nameServer) questions() (asked []string) {
	s.do(func() { asked, s.asked = s.asked, nil })
	return asked
}

// record makes a record of a name from its body.
func record(name string, ttl uint32, body dnsmessage.ResourceBody) dnsmessage.Resource {
	h := dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name + "."), Class: dnsmessage.ClassINET, TTL: ttl}
	switch body.(type) {
	case *dnsmessage.AResource:
		h.Type = dnsmessage.TypeA
	case *dnsmessage.AAAAResource:
		h.Type = dnsmessage.TypeAAAA
	case *dnsmessage.CNAMEResource:
		h.Type = dnsmessage.TypeCNAME
	case *dnsmessage.SRVResource:
		h.Type = dnsmessage.TypeSRV
	case *dnsmessage.TXTResource:
		h.Type = dnsmessage.TypeTXT
	default:
		panic("a body of no type that tests use")
	}
	return dnsmessage.Resource{Header: h, Body: body}
}

// at makes an A or AAAA record.
func at(name string, ttl uint32, ip string) dnsmessage.Resource {
	a := netip.MustParseAddr(ip)
	if a.Is4() {
		return record(name, ttl, &dnsmessage.AResource{A: a.As4()})
	}
	return record(name, ttl, &dnsmessage.AAAAResource{AAAA: a.As16()})
}

func srv(name string, ttl uint32, priority, weight, port uint16, target string) dnsmessage.Resource {
	return record(name, ttl, &dnsmessage.SRVResource{Priority: priority, Weight: weight, Port: port, Target: dnsmessage.MustNewName(target + ".")})
}

func cname(name string, ttl uint32, to string) dnsmessage.Resource {
	return record(name, ttl, &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(to + ".")})
}

// forged sends wrong answers before the right one.
func forged(msg []byte) [][]byte {
	otherID := append([]byte{msg[0] ^ 1}, msg[1:]...)
	otherName := append([]byte(nil), msg...)
	otherName[13] ^= 1
	query := append([]byte(nil), msg...)
	query[2] &^= 0x80
	return [][]byte{otherID, otherName, query, {}, msg[:11], msg}
}
