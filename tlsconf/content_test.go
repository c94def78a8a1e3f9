package tlsconf

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tain.dev/tain/test/pki"
)

// parseTexts parses what would be in the files C and K. Authorities have no key.
func parseTexts(cert, key string) (*content, error) {
	f := files{cert: "C", key: "K"}
	if key == "" {
		f.key = ""
	}
	return f.parse(text{cert: []byte(cert), key: []byte(key)})
}

// texts reads a pair's files.
func texts(t testing.TB, p pki.Pair) (cert, key string) {
	t.Helper()
	return string(readFileText(t, p.Cert)), string(readFileText(t, p.Key))
}

func TestParse(t *testing.T) {
	root := pki.New(t)
	cert, key := texts(t, root.Intermediate(t).Issue(t, "a.example", "127.0.0.1"))
	other, otherKey := texts(t, root.Issue(t, "b.example"))
	leaf, chain, _ := strings.Cut(cert, "-----END CERTIFICATE-----\n")
	leaf += "-----END CERTIFICATE-----\n"
	f := func(cert, key, want string) {
		t.Helper()
		_, err := parseTexts(cert, key)
		wants(t, "parse", err, want)
	}
	f(cert, key, "")
	f(cert+key, cert+key, "")
	f("subject=a.example\n"+cert, "Bag Attributes\n"+key, "")
	f(cert, "", "") // as authorities
	f(cert, otherKey, "the key in K does not belong to the certificate in C")
	f(other+cert, key, "in C the certificate of the key has to come first")
	f(chain+leaf, key, "in C the certificate of the key has to come first")
	f(key, cert, "C holds a private key and no certificate; are the two files exchanged?")
	f(cert, cert, "K holds no private key")
	f("", key, "C holds nothing in PEM form")
	f(cert, " ", "K holds nothing in PEM form")
	f("\x30\x82\x01", key, "C holds nothing in PEM form")
	f(block("X509 CRL", "x"), key, "C holds no certificate")
	f(leaf+block("CERTIFICATE", "x"), key, "C: certificate 2: x509: malformed certificate")
	f(cert, block("PRIVATE KEY", "x"), "C with the key in K: ")
	f(cert, block("ENCRYPTED PRIVATE KEY", "x"), "decrypt it with: openssl pkey -in K")
	f(cert, "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\neA==\n-----END RSA PRIVATE KEY-----\n", "the key in K is encrypted")
}

func block(kind, data string) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte(data)}))
}

// TestHalfAFile cuts both files everywhere.
func TestHalfAFile(t *testing.T) {
	cert, key := texts(t, pki.New(t).Intermediate(t).Issue(t, "a.example"))
	leaf := strings.Index(cert, "-----END") + len("-----END CERTIFICATE-----")
	for i := range len(cert) - 1 {
		if _, err := parseTexts(cert[:i], key); (err == nil) != (i == leaf || i == leaf+1) {
			t.Fatalf("the first %d bytes of the certificate: %v", i, err)
		}
	}
	for i := range len(key) - 2 {
		if _, err := parseTexts(cert, key[:i+1]); err == nil {
			t.Fatalf("the first %d bytes of the key are taken", i+1)
		}
	}
}

func TestUnreadableFiles(t *testing.T) {
	dir := t.TempDir()
	fifo, large := filepath.Join(dir, "fifo"), filepath.Join(dir, "large")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	writeFile(t, large, make([]byte, maxFile+1))
	f := func(name, want string) {
		t.Helper()
		_, err := files{cert: name}.parse(files{cert: name}.read())
		wants(t, name, err, want)
	}
	f(filepath.Join(dir, "none"), "open "+dir+"/none: no such file")
	f(dir, dir+" is not a regular file")
	f(fifo, fifo+" is not a regular file")
	f(large, large+" is larger than 1048576 bytes")
	f("/dev/zero", "/dev/zero is not a regular file")
}

func TestExposedKey(t *testing.T) {
	pair := pki.New(t).Issue(t, "a.example")
	f := func(mode os.FileMode, want bool) {
		t.Helper()
		if err := os.Chmod(pair.Key, mode); err != nil {
			t.Fatal(err)
		}
		s, log := newStore()
		mustServer(t, s, Listener{Certificates: []Pair{paths(pair)}})
		if said := log.take(); strings.Contains(said, "every user") != want || want && !strings.Contains(said, pair.Key) {
			t.Errorf("mode %v: %s", mode, said)
		}
	}
	f(0o600, false)
	f(0o640, false)
	f(0o644, true)
}

func TestNames(t *testing.T) {
	ca := pki.New(t)
	f := func(p pki.Pair, want string) {
		t.Helper()
		cert, key := texts(t, p)
		c, err := parseTexts(cert, key)
		if err != nil || strings.Join(c.names(), " ") != want {
			t.Errorf("%v, %v; want %s", c.names(), err, want)
		}
	}
	f(ca.Issue(t, "a.example", "127.0.0.1", "::1"), "a.example 127.0.0.1 ::1")
	f(ca.Client(t, "alice"), "CN=alice")
	authorities, err := parseTexts(string(readFileText(t, ca.File)), "")
	if err != nil || strings.Join(authorities.names(), " ") != ca.Cert.Subject.String() {
		t.Errorf("%v, %v", authorities.names(), err)
	}
}

// FuzzParse asks that whatever the files hold is understood or refused, and that a refusal says
// nothing of what could be a key.
func FuzzParse(f *testing.F) {
	cert, key := texts(f, pki.New(f).Intermediate(f).Issue(f, "a.example"))
	f.Add([]byte(cert), []byte(key))
	f.Add([]byte(cert), []byte(""))
	f.Add([]byte(key), []byte(cert))
	f.Add([]byte(block("CERTIFICATE", "x")), []byte(block("EC PRIVATE KEY", "x")))
	f.Fuzz(func(t *testing.T, cert, key []byte) {
		c, err := parseTexts(string(cert), string(key))
		if err == nil {
			if len(c.certs) == 0 || (c.pair == nil) != (len(key) == 0) || (c.pool == nil) != (len(key) > 0) || len(c.names()) == 0 {
				t.Fatalf("%+v", c)
			}
			return
		}
		if !strings.Contains(err.Error(), "C") && !strings.Contains(err.Error(), "K") {
			t.Fatalf("%v names no file", err)
		}
		for line := range bytes.Lines(key) {
			secret := strings.TrimSpace(string(line))
			if len(secret) > 16 && !strings.Contains(secret, "-----") && strings.Contains(err.Error(), secret) {
				t.Fatalf("%v quotes from the key", err)
			}
		}
	})
}

func TestLastAuthorityCounts(t *testing.T) {
	older, newer := pki.New(t), pki.New(t)
	newer.Cert.NotAfter = older.Cert.NotAfter.AddDate(1, 0, 0)
	c := &content{pool: x509.NewCertPool(), certs: []*x509.Certificate{older.Cert, newer.Cert, older.Cert}}
	if c.expires() != newer.Cert {
		t.Error("not the one that lasts longest")
	}
}
