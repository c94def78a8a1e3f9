package tlsconf

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
	"weak"
)

// Store keeps the content of certificate files for the configurations that use it. A file is forgotten
// some time after nobody holds a configuration of it any more. It is safe for concurrent use. Nothing
// of it is for an event loop, apart from the configurations.
type Store struct {
	log  *slog.Logger
	poke chan struct{} // tells Run that there are other files to watch

	mu   sync.Mutex
	kept map[files]*kept
	used map[any]user // by what was asked for: the text of a Listener, or a clientKey
}

type clientKey struct {
	Client
	host, alpn string
}

// user is a configuration that was given out, with what it is made of.
type user struct {
	conf   weak.Pointer[tls.Config]
	kept   []*kept
	reload func() // called under mu when something of kept has changed; nil if nothing is to be done
}

// NewStore returns an empty store. log gets what there is to say about the files, now and while Run
// runs.
func NewStore(log *slog.Logger) *Store {
	return &Store{log: log, poke: make(chan struct{}, 1), kept: map[files]*kept{}, used: map[any]user{}}
}

// Server returns the configuration of a listener. It is the same one for equal listeners, and is not
// to be changed or copied. Session tickets are good until the ClientCA changes. An error says what is wrong with
// which setting or file; the caller says of which listener.
func (s *Store) Server(l Listener) (*tls.Config, error) {
	return s.give(fmt.Sprintf("%q", l), func() (*tls.Config, user, error) { return s.newServer(l) })
}

// Client returns the configuration of connections to host, a name or address without port, which
// offer the protocols alpn. It is the same one for equal arguments, and is not to be changed or
// copied. An error says what is wrong with which setting or file, and the caller of which backend; a
// certificate of the backend that is refused is the handshake's error, see [Explain].
func (s *Store) Client(c Client, host string, alpn ...string) (*tls.Config, error) {
	key := clientKey{c, host, strings.Join(alpn, ",")}
	return s.give(key, func() (*tls.Config, user, error) { return s.newClient(c, host, alpn) })
}

// give returns what was given for the same key before, or something new.
func (s *Store) give(key any, make func() (*tls.Config, user, error)) (*tls.Config, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if conf := s.used[key].conf.Value(); conf != nil {
		return conf, nil
	}
	conf, u, err := make()
	if err != nil {
		s.sweep() // what was read before the error
		return nil, err
	}
	u.conf = weak.Make(conf)
	s.used[key] = u
	select {
	case s.poke <- struct{}{}:
	default: // Run is told already
	}
	return conf, nil
}

// keep returns the content of files, which it reads if nobody has yet. The caller holds mu.
func (s *Store) keep(f files) (*kept, error) {
	if k := s.kept[f]; k != nil {
		return k, nil
	}
	k := &kept{files: f}
	if err := k.first(s.log); err != nil {
		return nil, err
	}
	s.kept[f] = k
	return k, nil
}

// sweep forgets the configurations that nobody holds, and the files that nobody uses. The caller holds
// mu.
func (s *Store) sweep() {
	needed := map[*kept]bool{}
	for key, u := range s.used {
		if u.conf.Value() == nil {
			delete(s.used, key)
			continue
		}
		for _, k := range u.kept {
			needed[k] = true
		}
	}
	for f, k := range s.kept {
		if !needed[k] {
			delete(s.kept, f)
		}
	}
}

// Reload takes what has changed in the files, now and in the caller's goroutine.
func (s *Store) Reload() { s.look(true) }

// look looks at all files. It returns false if they should be looked at again soon, see kept.look.
func (s *Store) look(urged bool) (settled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	settled = true
	changed := map[*kept]bool{}
	for _, k := range s.kept {
		c, done := k.look(s.log, urged)
		changed[k] = c
		settled = settled && done
	}
	for _, u := range s.used {
		if u.reload != nil && slices.ContainsFunc(u.kept, func(k *kept) bool { return changed[k] }) {
			u.reload()
		}
	}
	return settled
}

// warnExpiry warns of what expires soon.
func (s *Store) warnExpiry(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.kept {
		k.warnExpiry(s.log, now)
	}
}

// Status returns the state of every certificate and every file of authorities, sorted by file.
func (s *Store) Status() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	var all []Status
	for _, k := range s.kept {
		all = append(all, k.status())
	}
	slices.SortFunc(all, func(a, b Status) int { return cmp.Or(cmp.Compare(a.Cert, b.Cert), cmp.Compare(a.Key, b.Key)) })
	return all
}
