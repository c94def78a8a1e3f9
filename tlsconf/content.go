package tlsconf

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"
)

// maxFile bounds how much is read of a file. The authorities of a whole system are a quarter of this.
const maxFile = 1 << 20

// files names what is kept: a certificate with its key, or, without a key, authorities.
type files struct{ cert, key string }

// text is what the files held at one moment, or why they could not be read.
type text struct {
	cert, key []byte
	err       error
	exposed   os.FileMode // mode of a key that all users of the machine can read, else 0
}

// content is text that was understood. It never changes.
type content struct {
	sum    [sha256.Size]byte
	loaded time.Time
	certs  []*x509.Certificate // the leaf with its chain, or the authorities; at least one
	pair   *tls.Certificate    // nil for authorities
	pool   *x509.CertPool      // of authorities, else nil
}

// read reads the files, once: what is compared is what is used.
func (f files) read() text {
	var t text
	t.cert, _, t.err = readFile(f.cert)
	if t.err == nil && f.key != "" {
		var mode os.FileMode
		t.key, mode, t.err = readFile(f.key)
		if mode&0o004 != 0 {
			t.exposed = mode
		}
	}
	return t
}

// sum tells texts apart.
func (t text) sum() [sha256.Size]byte {
	hash := sha256.New()
	fmt.Fprintf(hash, "%d %d %v\n", len(t.cert), len(t.key), t.err)
	hash.Write(t.cert)
	hash.Write(t.key)
	return [sha256.Size]byte(hash.Sum(nil))
}

func readFile(name string) ([]byte, os.FileMode, error) {
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a named pipe must not hold us up
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s is not a regular file", name)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is larger than %d bytes", name, maxFile)
	}
	return data, info.Mode().Perm(), err
}

// parse understands a text. Errors name the file, and never quote from a key.
func (f files) parse(t text) (*content, error) {
	if t.err != nil {
		return nil, t.err
	}
	certs, err := parseCertificates(f.cert, t.cert)
	if err != nil {
		return nil, err
	}
	c := &content{sum: t.sum(), loaded: time.Now(), certs: certs}
	if f.key == "" {
		c.pool = x509.NewCertPool()
		for _, cert := range certs {
			c.pool.AddCert(cert)
		}
		return c, nil
	}
	if err := checkKey(f.key, t.key); err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(t.cert, t.key)
	if err != nil {
		return nil, f.explainPair(err, certs, t)
	}
	c.pair = &pair
	return c, nil
}

// parseCertificates reads all certificates of a PEM file. Other blocks may stand between them.
func parseCertificates(name string, data []byte) ([]*x509.Certificate, error) {
	blocks, err := parsePEM(name, data)
	if err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	for _, block := range blocks {
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: certificate %d: %w", name, len(certs)+1, err)
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		if strings.HasSuffix(blocks[0].Type, "PRIVATE KEY") {
			return nil, fmt.Errorf("%s holds a private key and no certificate; are the two files exchanged?", name)
		}
		return nil, fmt.Errorf("%s holds no certificate", name)
	}
	return certs, nil
}

// parsePEM reads all blocks, of which there is at least one. The decoder passes over what is not a
// whole block, and so over the end of a file that is half written.
func parsePEM(name string, data []byte) (blocks []*pem.Block, err error) {
	rest := data
	for {
		block, after := pem.Decode(rest)
		if block == nil {
			break
		}
		blocks, rest = append(blocks, block), after
	}
	begins := bytes.Count(data, []byte("-----BEGIN "))
	lastLine := rest[bytes.LastIndexByte(rest, '\n')+1:]
	switch {
	case begins > len(blocks) || bytes.HasPrefix(lastLine, []byte("-")):
		return nil, fmt.Errorf("%s breaks off, or has a damaged PEM block", name)
	case len(blocks) == 0:
		return nil, fmt.Errorf("%s holds nothing in PEM form", name)
	}
	return blocks, nil
}

// checkKey finds what the standard library has no good words for.
func checkKey(name string, data []byte) error {
	blocks, err := parsePEM(name, data)
	if err != nil {
		return err
	}
	for _, block := range blocks {
		if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			continue
		}
		if block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
			return fmt.Errorf("the key in %s is encrypted, and nobody is there to be asked for the pass phrase; decrypt it with: openssl pkey -in %s -out FILE", name, name)
		}
		return nil
	}
	return fmt.Errorf("%s holds no private key", name)
}

// explainPair says why a certificate and a key, which are well-formed as PEM, are not a pair.
func (f files) explainPair(err error, certs []*x509.Certificate, t text) error {
	for _, cert := range certs[1:] {
		// The key may belong to another one than the first.
		alone := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
		if _, err := tls.X509KeyPair(alone, t.key); err == nil {
			return fmt.Errorf("in %s the certificate of the key has to come first, before those of authorities", f.cert)
		}
	}
	if strings.Contains(err.Error(), "match") {
		return fmt.Errorf("the key in %s does not belong to the certificate in %s", f.key, f.cert)
	}
	return fmt.Errorf("%s with the key in %s: %w", f.cert, f.key, errors.New(strings.TrimPrefix(err.Error(), "tls: ")))
}

// names are those of a certificate, or the subjects of authorities.
func (c *content) names() []string {
	var names []string
	if c.pool != nil {
		for _, cert := range c.certs {
			names = append(names, cert.Subject.String())
		}
		return names
	}
	names = append(names, c.certs[0].DNSNames...)
	for _, ip := range c.certs[0].IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		names = append(names, c.certs[0].Subject.String())
	}
	return names
}

// expires returns the certificate whose end counts: the leaf, or the authority that lasts longest, as
// old ones stay in a file beside their successors.
func (c *content) expires() *x509.Certificate {
	last := c.certs[0]
	if c.pool == nil {
		return last
	}
	for _, cert := range c.certs {
		if cert.NotAfter.After(last.NotAfter) {
			last = cert
		}
	}
	return last
}
