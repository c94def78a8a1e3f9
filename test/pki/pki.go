// Package pki makes authorities and certificates for tests, as the PEM files that servers read.
//
//	ca := pki.New(t)
//	pair := ca.Issue(t, "a.example", "127.0.0.1") // pair.Cert and pair.Key are files
//	trusts := ca.File
//
// All files lie in temporary folders of their test. Keys are ECDSA P-256, because they are made in
// no time.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// CA is an authority that issues certificates.
type CA struct {
	File string            // PEM file of the root's certificate: what has to be trusted
	Cert *x509.Certificate // the issuer of the certificates
	root *x509.Certificate
	key  crypto.Signer
	// above is what has to be sent with a certificate: the chain from the issuer to the root,
	// without the root.
	above [][]byte
}

// Pair names the PEM files of a certificate, with the chain to the root, and of its key.
type Pair struct{ Cert, Key string }

// Leaf says what a certificate is to be like.
type Leaf struct {
	Names               []string      // DNS names, addresses, or one common name of a client
	NotBefore, NotAfter time.Time     // zero: an hour ago, in a day
	Client              bool          // for a client, and not for a server
	Key                 crypto.Signer // nil: a new one
}

// New makes a root authority.
func New(t testing.TB) *CA {
	t.Helper()
	key := newKey(t)
	template := authority("Test Root")
	ca := &CA{Cert: parse(t, sign(t, template, template, key.Public(), key)), key: key}
	ca.root = ca.Cert
	ca.File = filepath.Join(t.TempDir(), "ca.pem")
	write(t, ca.File, 0o644, encode("CERTIFICATE", ca.Cert.Raw))
	return ca
}

// Intermediate makes an authority that ca vouches for.
func (ca *CA) Intermediate(t testing.TB) *CA {
	t.Helper()
	key := newKey(t)
	der := sign(t, authority("Test Intermediate"), ca.Cert, key.Public(), ca.key)
	return &CA{File: ca.File, Cert: parse(t, der), root: ca.root, key: key, above: append([][]byte{der}, ca.above...)}
}

// Pool holds the root.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.root)
	return pool
}

// Issue makes a certificate for a server with those DNS names and IP addresses.
func (ca *CA) Issue(t testing.TB, names ...string) Pair {
	t.Helper()
	return ca.Make(t, Leaf{Names: names})
}

// Client makes a certificate for a client with that common name.
func (ca *CA) Client(t testing.TB, name string) Pair {
	t.Helper()
	return ca.Make(t, Leaf{Names: []string{name}, Client: true})
}

// Expired makes a certificate for a server that was valid until an hour ago.
func (ca *CA) Expired(t testing.TB, names ...string) Pair {
	t.Helper()
	return ca.Make(t, Leaf{Names: names, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-time.Hour)})
}

// SelfSigned makes a certificate for a server that no authority vouches for.
func SelfSigned(t testing.TB, names ...string) Pair {
	t.Helper()
	cert, key, err := SelfSignedPEM(names...)
	if err != nil {
		t.Fatal(err)
	}
	return save(t, cert, key)
}

// SelfSignedPEM makes such a certificate and its key, as the content of files, for programs that measure.
func SelfSignedPEM(names ...string) (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := Leaf{Names: names}.template()
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	return encode("CERTIFICATE", der), encode("PRIVATE KEY", secret), err
}

// Make makes the certificate that is described.
func (ca *CA) Make(t testing.TB, l Leaf) Pair {
	t.Helper()
	if l.Key == nil {
		l.Key = newKey(t)
	}
	der := sign(t, l.template(), ca.Cert, l.Key.Public(), ca.key)
	secret, err := x509.MarshalPKCS8PrivateKey(l.Key)
	if err != nil {
		t.Fatal(err)
	}
	return save(t, encode("CERTIFICATE", append([][]byte{der}, ca.above...)...), encode("PRIVATE KEY", secret))
}

// TLS reads the pair.
func (p Pair) TLS(t testing.TB) tls.Certificate {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(p.Cert, p.Key)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// Replace puts what is in the files of with in place of p's. Each file is replaced at once, so that
// nobody reads half of one, but for a moment the key does not belong to the certificate.
func (p Pair) Replace(t testing.TB, with Pair) {
	t.Helper()
	for to, from := range map[string]string{p.Cert: with.Cert, p.Key: with.Key} {
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to+".new", data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(to+".new", to); err != nil {
			t.Fatal(err)
		}
	}
}

// authority describes an authority. Its name is like that of no other, because programs find issuers
// by their names.
func authority(name string) *x509.Certificate {
	number := serial()
	return &x509.Certificate{
		SerialNumber:          number,
		Subject:               pkix.Name{CommonName: fmt.Sprintf("%s %x", name, number)},
		NotBefore:             time.Now().Add(-72 * time.Hour),
		NotAfter:              time.Now().Add(10 * 365 * 24 * time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

func (l Leaf) template() *x509.Certificate {
	cert := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{CommonName: l.Names[0]},
		NotBefore:    l.NotBefore,
		NotAfter:     l.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if cert.NotBefore.IsZero() {
		cert.NotBefore = time.Now().Add(-time.Hour)
	}
	if cert.NotAfter.IsZero() {
		cert.NotAfter = time.Now().Add(24 * time.Hour)
	}
	if l.Client {
		cert.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		return cert
	}
	for _, name := range l.Names {
		if ip := net.ParseIP(name); ip != nil {
			cert.IPAddresses = append(cert.IPAddresses, ip)
		} else {
			cert.DNSNames = append(cert.DNSNames, name)
		}
	}
	return cert
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	if err != nil {
		panic("BUG: crypto/rand fails: " + err.Error())
	}
	return n
}

func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t testing.TB, template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func parse(t testing.TB, der []byte) *x509.Certificate {
	t.Helper()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// save writes a certificate with its chain, and its key, into a folder of their own.
func save(t testing.TB, cert, key []byte) Pair {
	t.Helper()
	dir := t.TempDir()
	p := Pair{Cert: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key")}
	write(t, p.Cert, 0o644, cert)
	write(t, p.Key, 0o600, key)
	return p
}

func encode(kind string, blocks ...[]byte) (text []byte) {
	for _, der := range blocks {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})...)
	}
	return text
}

func write(t testing.TB, name string, mode os.FileMode, text []byte) {
	t.Helper()
	if err := os.WriteFile(name, text, mode); err != nil {
		t.Fatal(err)
	}
}
