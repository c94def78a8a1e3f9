package tlsconf

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"sync/atomic"
	"time"
)

// kept is the latest good content of files.
type kept struct {
	files
	now atomic.Pointer[content] // what handshakes use; never nil once first has returned nil

	// Guarded by Store.mu: the text that was taken or refused last, what the last look found, why
	// the former was refused, and when its end was last warned of.
	seen, glimpsed [sha256.Size]byte
	err            error
	warned         time.Time
}

// first reads the files for the first time.
func (k *kept) first(log *slog.Logger) error {
	t := k.read()
	c, err := k.parse(t)
	if err != nil {
		return err
	}
	k.seen = c.sum
	k.now.Store(c)
	k.warnExposed(log, t)
	k.warnExpiry(log, time.Now())
	return nil
}

// look takes the text of the files if it is new. Unless it is urged, it takes only what two looks in
// a row have found, because the files may be in the middle of being replaced: changed says whether
// handshakes have something new, settled that there is no need for another look soon.
func (k *kept) look(log *slog.Logger, urged bool) (changed, settled bool) {
	t := k.read()
	sum := t.sum()
	if sum == k.seen {
		return false, true
	}
	if !urged && sum != k.glimpsed {
		k.glimpsed = sum
		return false, false
	}
	return k.take(log, t, sum), true
}

// take makes the text the content, or keeps the old one if it is no good.
func (k *kept) take(log *slog.Logger, t text, sum [sha256.Size]byte) (changed bool) {
	c, err := k.parse(t)
	k.seen, k.err = sum, err
	if err != nil {
		log.Error("a certificate file is no good and its last content stays in use", "cert", k.cert, "key", k.key, "error", err)
		return false
	}
	if c.sum == k.now.Load().sum {
		log.Info("a certificate file is good again", "cert", k.cert)
		return false
	}
	k.now.Store(c)
	k.warned = time.Time{}
	log.Info("took a new certificate", "cert", k.cert, "names", c.names(), "notAfter", c.expires().NotAfter)
	k.warnExposed(log, t)
	k.warnExpiry(log, time.Now())
	return true
}

func (k *kept) warnExposed(log *slog.Logger, t text) {
	if t.exposed != 0 {
		log.Warn("a private key can be read by every user of this machine; use chmod o-rwx, or defaultMode 0440 in Kubernetes", "key", k.key, "mode", t.exposed.String())
	}
}

const (
	soon      = 30 * 24 * time.Hour
	verySoon  = 7 * 24 * time.Hour
	warnAgain = 24 * time.Hour
)

// warnExpiry warns once a day when the end is 30 days away, or a third of the certificate's life if
// that is less, since what lives for a day is renewed within it.
func (k *kept) warnExpiry(log *slog.Logger, now time.Time) {
	cert := k.now.Load().expires()
	life, left := cert.NotAfter.Sub(cert.NotBefore), cert.NotAfter.Sub(now)
	early := now.Before(cert.NotBefore)
	if !early && left > min(soon, life/3) || now.Sub(k.warned) < warnAgain {
		return
	}
	k.warned = now
	level, says := slog.LevelWarn, "a certificate expires soon"
	switch {
	case early:
		says = "a certificate is not valid yet"
	case left <= 0:
		level, says = slog.LevelError, "a certificate has expired and is still used"
	case left <= min(verySoon, life/10):
		level = slog.LevelError
	}
	log.Log(context.Background(), level, says, "cert", k.cert, "names", k.now.Load().names(), "notBefore", cert.NotBefore, "notAfter", cert.NotAfter)
}

func (k *kept) status() Status {
	c := k.now.Load()
	s := Status{Cert: k.cert, Key: k.key, Names: c.names(), NotAfter: c.expires().NotAfter, Loaded: c.loaded}
	if c.pair != nil {
		s.Serial = c.certs[0].SerialNumber.Text(16)
	}
	if k.err != nil {
		s.Error = k.err.Error()
	}
	return s
}
