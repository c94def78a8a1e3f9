package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"

	"tain.dev/tain/traffic"
)

// question is what the flags and arguments of tain explain say of the request.
type question struct {
	args   []string // METHOD and URL, or URL
	fields []string // -H
	data   string   // -d
	file   string   // -r
	pair   uint64   // --pair
	from   string
	secure bool // --tls
	given  func(flag string) bool
}

// check says what does not go together.
func (q *question) check() error {
	ways := 0
	for _, given := range []bool{len(q.args) > 0, q.given("request"), q.given("pair")} {
		if given {
			ways++
		}
	}
	switch {
	case ways == 0:
		return fmt.Errorf("no request is given; use tain explain URL, -r FILE or --pair ID")
	case ways > 1:
		return fmt.Errorf("more than one request is given; use one of URL, -r and --pair")
	case len(q.args) == 0 && (q.given("header") || q.given("data")):
		return fmt.Errorf("-H and -d belong to a URL; -r and --pair have all of the request")
	case len(q.args) > 0 && q.secure:
		return fmt.Errorf("--tls is for -r and --pair; use https:// in the URL")
	}
	return nil
}

// asked is the request, but for that of a pair.
func (q *question) asked() (*asked, error) {
	a := &asked{secure: q.secure}
	var err error
	if a.from, err = netip.ParseAddr(cmp.Or(q.from, "127.0.0.1")); err != nil || a.from.Zone() != "" {
		return nil, fmt.Errorf("--from: %q is not an address; use one such as 192.0.2.7", q.from)
	}
	a.from = a.from.Unmap()
	if q.given("request") {
		err = q.readFile(a)
	} else {
		err = q.readURL(a)
	}
	a.connect()
	return a, err
}

// readURL makes a request as curl would.
func (q *question) readURL(a *asked) error {
	address := q.args[len(q.args)-1]
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%q is not the URL of a request; use one such as https://shop.example.com/cart?id=7", address)
	}
	a.secure = u.Scheme == "https"
	target := strings.TrimPrefix(address, u.Scheme+"://")
	target, _, _ = strings.Cut(target[strings.IndexAny(target+"/", "/?#"):], "#")
	if !strings.HasPrefix(target, "/") {
		target = "/" + target
	}
	if a.body, err = q.body(); err != nil {
		return err
	}
	method := "GET"
	switch {
	case len(q.args) == 2:
		method = q.args[0]
	case q.given("data"):
		method = "POST"
	}
	fields := append([]string{"Host: " + u.Host}, q.fields...)
	if hasField(fields[1:], "Host") {
		fields = fields[1:]
	}
	if q.given("data") && !hasField(fields, "Content-Type") {
		fields = append(fields, "Content-Type: application/x-www-form-urlencoded")
	}
	a.write(method+" "+target+" HTTP/1.1", fields)
	return nil
}

// body is what -d says: a text, or @ and a file.
func (q *question) body() ([]byte, error) {
	name, isFile := strings.CutPrefix(q.data, "@")
	if !isFile {
		return []byte(q.data), nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("-d: %w", err)
	}
	return data, nil
}

// hasField says whether lines have a field of that name.
func hasField(lines []string, name string) bool {
	for _, line := range lines {
		if key, _, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(key), name) {
			return true
		}
	}
	return false
}

// write writes the head. Where there is a body without a length, it gets one.
func (a *asked) write(line string, fields []string) {
	if len(a.body) > 0 && !hasField(fields, "Content-Length") && !hasField(fields, "Transfer-Encoding") {
		fields = append(fields, "Content-Length: "+strconv.Itoa(len(a.body)))
	}
	a.head = []byte(line + "\r\n")
	for _, field := range fields {
		a.head = append(append(a.head, field...), "\r\n"...)
	}
	a.head = append(a.head, "\r\n"...)
}

// maxRequestFile is how much of a file is read, in bytes.
const maxRequestFile = 64 << 20

// readFile reads a request as it goes over the wire. Its lines may end as those of text files do.
func (q *question) readFile(a *asked) error {
	in := io.Reader(os.Stdin)
	if q.file != "-" {
		file, err := os.Open(q.file)
		if err != nil {
			return fmt.Errorf("-r: %w", err)
		}
		defer file.Close()
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, maxRequestFile))
	if err != nil {
		return fmt.Errorf("-r %s: %w", q.file, err)
	}
	return a.parse(data)
}

func (a *asked) parse(data []byte) error {
	head, body, ended := bytes.Cut(data, []byte("\r\n\r\n"))
	if first, _, _ := bytes.Cut(data, []byte("\n")); !bytes.HasSuffix(first, []byte("\r")) {
		head, body, ended = bytes.Cut(data, []byte("\n\n"))
		head = bytes.ReplaceAll(head, []byte("\n"), []byte("\r\n"))
	}
	if head = bytes.TrimSuffix(head, []byte("\r\n")); !ended {
		body = nil
	}
	if a.body = body; len(head) == 0 {
		return fmt.Errorf("-r: the request is empty; write its first line, such as GET / HTTP/1.1, its fields, an empty line, and the body")
	}
	lines := strings.Split(string(head), "\r\n")
	a.write(lines[0], lines[1:])
	return nil
}

// connect takes from the head whom the user connects to.
func (a *asked) connect() {
	for line := range strings.SplitSeq(string(a.head), "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(name, "Host") {
			host := &url.URL{Host: strings.TrimSpace(value)}
			port, _ := strconv.ParseUint(host.Port(), 10, 16)
			a.host, a.port = host.Hostname(), uint16(port)
		}
	}
	switch {
	case a.port > 0:
	case a.secure:
		a.port = 443
	default:
		a.port = 80
	}
}

// ownFields are those that a tain adds on the way to live: the pair of a past request has them.
var ownFields = regexp.MustCompile(`(?i)^(X-Forwarded-(For|Proto|Host)|Via)$`)

// ofPair is the request of a kept pair as the user sent it, as far as the pair tells.
func (q *question) ofPair(pair *traffic.Record) *asked {
	a := &asked{secure: q.secure, body: []byte(pair.Request.Body)}
	a.from, _ = netip.ParseAddr(cmp.Or(q.from, pair.Client, "127.0.0.1"))
	var fields []string
	for _, f := range pair.Request.Header {
		switch {
		case strings.EqualFold(f[0], "X-Forwarded-Proto"):
			a.secure = a.secure || f[1] == "https"
		case strings.EqualFold(f[0], "X-Forwarded-For"):
			if before, _, ok := cutLast(f[1], ", "); ok { // what the user's own proxies said
				fields = append(fields, f[0]+": "+before)
			}
			continue
		}
		if !ownFields.MatchString(f[0]) {
			fields = append(fields, f[0]+": "+f[1])
		}
	}
	a.write(pair.Request.Start, fields)
	a.connect()
	return a
}

func cutLast(text, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(text, separator); i >= 0 {
		return text[:i], text[i+len(separator):], true
	}
	return text, "", false
}
