package upstream

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// maxDatagram is the largest answer that is asked for over UDP: it fits through every path without
// being cut into fragments, which are easy to forge (DNS flag day 2020).
const maxDatagram = 1232

// reply is what is of use in a name server's answer.
type reply struct {
	header   dnsmessage.Header
	addrs    []netip.Addr
	services []service
	ttl      time.Duration // the shortest of all records that are of use; maxTTL if there is none
}

// question returns what is asked about a name without a final dot.
func question(name string, typ dnsmessage.Type) (dnsmessage.Question, error) {
	n, err := dnsmessage.NewName(name + ".")
	return dnsmessage.Question{Name: n, Type: typ, Class: dnsmessage.ClassINET}, err
}

// appendQuery appends a message that asks q. The error is of a name that no message can hold.
func appendQuery(dst []byte, id uint16, q dnsmessage.Question) ([]byte, error) {
	b := dnsmessage.NewBuilder(dst, dnsmessage.Header{ID: id, RecursionDesired: true})
	var edns dnsmessage.ResourceHeader
	err := errors.Join(
		b.StartQuestions(),
		b.Question(q),
		b.StartAdditionals(),
		edns.SetEDNS0(maxDatagram, dnsmessage.RCodeSuccess, false),
		b.OPTResource(edns, dnsmessage.OPTResource{}),
	)
	if err != nil {
		return nil, err
	}
	return b.Finish()
}

// errNotOurs is a message that does not answer the question: late, or forged.
var errNotOurs = errors.New("not an answer to the question")

// parseReply reads a message that is to answer q.
func parseReply(msg []byte, id uint16, q dnsmessage.Question) (reply, error) {
	var p dnsmessage.Parser
	h, err := p.Start(msg)
	if err != nil || h.ID != id || !h.Response {
		return reply{}, errNotOurs
	}
	asked, err := p.AllQuestions()
	if err != nil || len(asked) != 1 || asked[0].Type != q.Type || asked[0].Class != q.Class ||
		!strings.EqualFold(asked[0].Name.String(), q.Name.String()) {
		return reply{}, errNotOurs
	}
	r := reply{header: h, ttl: maxTTL}
	if h.Truncated {
		return r, nil // it is asked for again
	}
	if err := r.parseAnswers(&p, q.Type); err != nil {
		return reply{}, fmt.Errorf("malformed answer: %w", err)
	}
	return r, nil
}

func (r *reply) parseAnswers(p *dnsmessage.Parser, typ dnsmessage.Type) error {
	answers, err := p.AllAnswers()
	if err != nil {
		return err
	}
	for _, a := range answers {
		if a.Header.Class != dnsmessage.ClassINET {
			continue
		}
		switch body := a.Body.(type) {
		case *dnsmessage.CNAMEResource:
		case *dnsmessage.AResource, *dnsmessage.AAAAResource:
			if a.Header.Type != typ {
				continue
			}
			r.addrs = append(r.addrs, address(body))
		case *dnsmessage.SRVResource:
			if target := hostOf(body.Target); target != "" && typ == dnsmessage.TypeSRV {
				r.services = append(r.services, service{host: target, port: body.Port, priority: body.Priority, weight: body.Weight})
			}
		default:
			continue
		}
		r.lives(a.Header.TTL)
	}
	if r.services != nil {
		return r.parseAdditionals(p)
	}
	return nil
}

// parseAdditionals takes the addresses that came along with SRV records.
func (r *reply) parseAdditionals(p *dnsmessage.Parser) error {
	if err := p.SkipAllAuthorities(); err != nil {
		return err
	}
	more, err := p.AllAdditionals()
	if err != nil {
		return err
	}
	for _, a := range more {
		ip := address(a.Body)
		if !ip.IsValid() || a.Header.Class != dnsmessage.ClassINET {
			continue
		}
		r.lives(a.Header.TTL)
		for i := range r.services {
			if s := &r.services[i]; s.host == hostOf(a.Header.Name) && !slices.Contains(s.addrs, ip) {
				s.addrs = append(s.addrs, ip)
			}
		}
	}
	return nil
}

// lives counts a record's time to live in seconds, of which the highest bit means 0 (RFC 2181,
// section 8).
func (r *reply) lives(ttl uint32) {
	if ttl > 1<<31-1 {
		ttl = 0
	}
	r.ttl = min(r.ttl, time.Duration(ttl)*time.Second)
}

// address is that of an A or AAAA record, and the zero Addr of any other.
func address(body dnsmessage.ResourceBody) netip.Addr {
	switch b := body.(type) {
	case *dnsmessage.AResource:
		return netip.AddrFrom4(b.A)
	case *dnsmessage.AAAAResource:
		return netip.AddrFrom16(b.AAAA).Unmap()
	}
	return netip.Addr{}
}

// hostOf is a name in lower case without its final dot; "" is the root, which as a target says that
// there is no such service.
func hostOf(n dnsmessage.Name) string { return strings.ToLower(strings.TrimSuffix(n.String(), ".")) }
