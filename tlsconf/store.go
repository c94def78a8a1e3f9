package tlsconf

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
)

// Store keeps the content of certificate files. It is safe for concurrent use.
type Store struct{ log *slog.Logger }

// NewStore returns an empty store. It logs what happens to files while Run runs.
func NewStore(log *slog.Logger) *Store { return &Store{log: log} }

// Run watches the files and takes what changed, until ctx ends. It returns nil.
func (s *Store) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Server returns the configuration of a listener. It is the same one for equal listeners, and is not
// to be changed. An error says what is wrong with which setting or file.
func (s *Store) Server(l Listener) (*tls.Config, error) {
	return nil, errors.New("no certificates yet")
}

// Client returns the configuration of connections to host, a name or address without port, which
// offer the protocols alpn. It is the same one for equal arguments, and is not to be changed. An
// error says what is wrong with which setting or file.
func (s *Store) Client(c Client, host string, alpn ...string) (*tls.Config, error) {
	return nil, errors.New("no certificates yet")
}

// Keep forgets the files of all configurations but these. One that is forgotten goes on working with
// what it last loaded.
func (s *Store) Keep(used ...*tls.Config) {}

// Reload takes what changed now, in the caller's goroutine.
func (s *Store) Reload() {}

// Status returns the state of every certificate and every file of authorities, sorted by file.
func (s *Store) Status() []Status { return nil }

// Explain says in one sentence why a TLS handshake failed, and what to set, if err is about a
// certificate or the lack of TLS. Else it is err's own text.
func Explain(err error) string { return err.Error() }
