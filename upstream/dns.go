package upstream

import (
	"context"
	crypto "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// dns asks name servers as resolv.conf says. In contrast to package net, it knows for how long an
// answer holds. It is safe for concurrent use.
type dns struct {
	resolvConf
	port uint16 // of the servers
}

// dnsPort is where name servers listen.
const dnsPort = 53

// hosts looks up the addresses of a name, in the order in which the servers said them, the two
// families taking turns.
func (d *dns) hosts(ctx context.Context, name string) (hosts, error) {
	r, err := d.inTurn(name, func(full string) (reply, error) { return d.addresses(ctx, full) })
	return hosts{r.addrs, r.ttl}, err
}

// services looks up the SRV records of a name.
func (d *dns) services(ctx context.Context, name string) (services, error) {
	r, err := d.inTurn(name, func(full string) (reply, error) {
		r, err := d.ask(ctx, full, dnsmessage.TypeSRV)
		if err == nil && len(r.services) == 0 {
			err = errNoName
		}
		return r, err
	})
	return services{r.services, r.ttl}, err
}

// inTurn asks for a name with each domain of the search list. A server's failure ends it: going on
// might find another host of that name, and send it somebody else's requests.
func (d *dns) inTurn(name string, ask func(full string) (reply, error)) (r reply, err error) {
	for _, full := range d.names(name) {
		if r, err = ask(full); !errors.Is(err, errNoName) {
			return r, err
		}
	}
	return reply{}, errNoName
}

// addresses asks for both families at a time. One that fails is no matter if the other one answers.
func (d *dns) addresses(ctx context.Context, name string) (reply, error) {
	var r4, r6 reply
	var err4, err6 error
	var both sync.WaitGroup
	both.Go(func() { r4, err4 = d.ask(ctx, name, dnsmessage.TypeA) })
	both.Go(func() { r6, err6 = d.ask(ctx, name, dnsmessage.TypeAAAA) })
	both.Wait()
	r := reply{addrs: interleave(r4.addrs, r6.addrs), ttl: maxTTL}
	if len(r4.addrs) > 0 {
		r.ttl = r4.ttl
	}
	if len(r6.addrs) > 0 {
		r.ttl = min(r.ttl, r6.ttl)
	}
	switch {
	case len(r.addrs) > 0:
		return r, nil
	case err4 != nil && !errors.Is(err4, errNoName):
		return reply{}, err4
	case err6 != nil && !errors.Is(err6, errNoName):
		return reply{}, err6
	}
	return reply{}, errNoName
}

func interleave(a, b []netip.Addr) []netip.Addr {
	var all []netip.Addr
	for i := range max(len(a), len(b)) {
		if i < len(a) {
			all = append(all, a[i])
		}
		if i < len(b) {
			all = append(all, b[i])
		}
	}
	return all
}

// ask asks the servers in turn until one knows. A name that is there, but has no records of the type,
// is no error.
func (d *dns) ask(ctx context.Context, name string, typ dnsmessage.Type) (reply, error) {
	q, err := question(name, typ)
	if err != nil {
		return reply{}, fmt.Errorf("%w: %w", errNoName, err)
	}
	first := 0
	if d.rotate {
		first = rand.IntN(len(d.servers))
	}
	for range d.attempts {
		for i := range d.servers {
			server := netip.AddrPortFrom(d.servers[(first+i)%len(d.servers)], d.port)
			var r reply
			if r, err = d.exchange(ctx, server, q); err == nil {
				err = r.failure()
			}
			if err == nil || errors.Is(err, errNoName) {
				return r, err
			}
			err = fmt.Errorf("name server %s: %w", server, err)
			if ctx.Err() != nil {
				return reply{}, err
			}
		}
	}
	return reply{}, err
}

// failure returns [errNoName] if the name does not exist, and another error if the server does not
// know.
func (r *reply) failure() error {
	switch {
	case r.header.RCode == dnsmessage.RCodeNameError:
		return errNoName
	case r.header.RCode != dnsmessage.RCodeSuccess:
		return fmt.Errorf("it answers %s", rcodeName(r.header.RCode))
	case r.header.Truncated:
		return errors.New("its answer is cut off") // over TCP
	case len(r.addrs)+len(r.services) == 0 && !r.header.Authoritative && !r.header.RecursionAvailable:
		return errors.New("it refers to other servers") // which tain would have to ask
	}
	return nil
}

func rcodeName(c dnsmessage.RCode) string {
	switch c {
	case dnsmessage.RCodeFormatError:
		return "FORMERR"
	case dnsmessage.RCodeServerFailure:
		return "SERVFAIL"
	case dnsmessage.RCodeNotImplemented:
		return "NOTIMP"
	case dnsmessage.RCodeRefused:
		return "REFUSED"
	}
	return fmt.Sprintf("code %d", c)
}

// exchange asks one server, by TCP if the answer is too long for a datagram.
func (d *dns) exchange(ctx context.Context, server netip.AddrPort, q dnsmessage.Question) (reply, error) {
	if !d.tcp {
		if r, err := d.over(ctx, "udp", server, q); err != nil || !r.header.Truncated {
			return r, err
		}
	}
	return d.over(ctx, "tcp", server, q)
}

// over asks a server by a protocol. The socket is new, so that the system chooses a port at random;
// with the random ID that is what keeps others from forging an answer.
func (d *dns) over(ctx context.Context, network string, server netip.AddrPort, q dnsmessage.Question) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, server.String())
	if err != nil {
		return reply{}, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	var random [2]byte
	crypto.Read(random[:])
	id := binary.BigEndian.Uint16(random[:])
	prefix := 0
	if network == "tcp" {
		prefix = 2
	}
	query, err := appendQuery(make([]byte, prefix, 512), id, q)
	if err != nil {
		return reply{}, fmt.Errorf("%w: %w", errNoName, err)
	}
	if prefix > 0 {
		binary.BigEndian.PutUint16(query, uint16(len(query)-prefix))
	}
	if _, err := conn.Write(query); err != nil {
		return reply{}, err
	}
	return receive(conn, prefix > 0, id, q)
}

// receive waits for the answer, and passes over whatever else comes.
func receive(conn net.Conn, stream bool, id uint16, q dnsmessage.Question) (reply, error) {
	buf := make([]byte, maxDatagram)
	for {
		var n int
		var err error
		if stream {
			buf, err = receiveFramed(conn)
			n = len(buf)
		} else {
			n, err = conn.Read(buf)
		}
		if err != nil {
			return reply{}, err
		}
		if r, err := parseReply(buf[:n], id, q); err != errNotOurs {
			return r, err
		}
	}
}

// receiveFramed reads a message behind its length, as all are over TCP.
func receiveFramed(conn net.Conn) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	msg := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(conn, msg)
	return msg, err
}
