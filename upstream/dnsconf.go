package upstream

import (
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// watched is a file that is read again when it has changed. It is safe for concurrent use.
type watched[T any] struct {
	path  string
	parse func(text string) T

	mu    sync.Mutex
	size  int64
	time  time.Time
	value T
}

// load returns what the file says now.
func (w *watched[T]) load() (value T, err error) {
	info, err := os.Stat(w.path)
	if err != nil {
		return value, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.size == info.Size() && w.time.Equal(info.ModTime()) {
		return w.value, nil
	}
	text, err := os.ReadFile(w.path)
	if err != nil {
		return value, err
	}
	w.size, w.time, w.value = info.Size(), info.ModTime(), w.parse(string(text))
	return w.value, nil
}

// resolvConf is how to ask name servers (resolv.conf(5)).
type resolvConf struct {
	servers  []netip.Addr // one at least
	search   []string     // domains, without a final dot
	ndots    int          // a name with as many dots is tried as it is before the domains are
	timeout  time.Duration
	attempts int
	rotate   bool // begins with another server each time
	tcp      bool // asks by TCP at once
}

// The limits of the C library.
const (
	maxNameServers = 3
	maxNdots       = 15
	maxDNSTimeout  = 30
	maxAttempts    = 5
)

// parseResolvConf reads the text of resolv.conf. What it does not know it ignores, as all who read
// the file do.
func parseResolvConf(text string) resolvConf {
	c := resolvConf{ndots: 1, timeout: 5 * time.Second, attempts: 2}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 2 || line[0] == '#' || line[0] == ';' {
			continue
		}
		switch words[0] {
		case "nameserver":
			if ip, err := netip.ParseAddr(words[1]); err == nil && len(c.servers) < maxNameServers {
				c.servers = append(c.servers, ip)
			}
		case "domain":
			c.search = domains(words[1:2])
		case "search":
			c.search = domains(words[1:])
		case "options":
			c.setOptions(words[1:])
		}
	}
	if c.servers == nil {
		c.servers = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	}
	return c
}

func domains(words []string) []string {
	var all []string
	for _, w := range words {
		if w = strings.TrimSuffix(w, "."); w != "" {
			all = append(all, w)
		}
	}
	return all
}

func (c *resolvConf) setOptions(words []string) {
	for _, w := range words {
		name, value, _ := strings.Cut(w, ":")
		n, err := strconv.Atoi(value)
		switch {
		case name == "rotate":
			c.rotate = true
		case name == "use-vc", name == "usevc", name == "tcp":
			c.tcp = true
		case err != nil || n < 0:
		case name == "ndots":
			c.ndots = min(n, maxNdots)
		case name == "timeout":
			c.timeout = time.Duration(min(max(n, 1), maxDNSTimeout)) * time.Second
		case name == "attempts":
			c.attempts = min(max(n, 1), maxAttempts)
		}
	}
}

// maxName is the length of the longest name, without a final dot (RFC 1035, section 2.3.4).
const maxName = 253

// names returns what to ask for in turn, when someone says name.
func (c *resolvConf) names(name string) []string {
	var all []string
	asIs := strings.Count(name, ".") >= c.ndots
	if asIs {
		all = append(all, name)
	}
	for _, domain := range c.search {
		if len(name)+1+len(domain) <= maxName {
			all = append(all, name+"."+domain)
		}
	}
	if !asIs {
		all = append(all, name)
	}
	return all
}

// parseHosts reads the text of /etc/hosts (hosts(5)): the addresses of each name, which is in lower
// case and without a final dot.
func parseHosts(text string) map[string][]netip.Addr {
	all := make(map[string][]netip.Addr)
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		ip, err := netip.ParseAddr(words[0])
		if err != nil || ip.Zone() != "" {
			continue
		}
		for _, name := range words[1:] {
			name = strings.ToLower(strings.TrimSuffix(name, "."))
			all[name] = append(all[name], ip.Unmap())
		}
	}
	return all
}
