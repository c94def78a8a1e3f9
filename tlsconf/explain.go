package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
	"unicode"
)

// Explain says in one sentence why a TLS handshake with a backend failed, and what to set, if err is
// about a certificate or the lack of TLS. Else it is err's own text. In TLS 1.3 a backend refuses a
// client's certificate only after the handshake, so that the error comes from the first read, see
// [RefusesCertificate].
func Explain(err error) string {
	says := explainCertificate(err)
	if says == "" {
		says = explainPeer(err)
	}
	if says == "" {
		says = err.Error()
	}
	// Names are what a stranger wrote into a certificate.
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, says)
}

// explainCertificate is for a certificate that tain does not trust. Every sentence ends with what
// helps.
func explainCertificate(err error) string {
	var (
		host    x509.HostnameError
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
		roots   x509.SystemRootsError
	)
	switch {
	case errors.As(err, &host):
		return explainName(host)
	case errors.As(err, &unknown):
		return explainAuthority(unknown.Cert)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return explainTime(invalid.Cert)
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return "the backend's certificate is not meant for servers; it has to be issued with the extended key usage serverAuth"
	case errors.As(err, &roots):
		return fmt.Sprintf("the certificates of the system's authorities can't be read (%v); install them, or set ca to a file with the backend's", roots.Err)
	}
	return ""
}

func explainName(e x509.HostnameError) string {
	const most = 5
	names := e.Certificate.DNSNames
	for _, ip := range e.Certificate.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return fmt.Sprintf("the backend's certificate names no host at all, and so not %s; it has to be issued with subject alternative names", e.Host)
	}
	more := ""
	if len(names) > most {
		more = fmt.Sprintf(" and %d more", len(names)-most)
		names = names[:most]
	}
	return fmt.Sprintf("the backend's certificate is for %s%s, not for %s; set serverName to a name that it has", strings.Join(names, ", "), more, e.Host)
}

func explainAuthority(cert *x509.Certificate) string {
	if cert != nil && cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature) == nil {
		return fmt.Sprintf("the backend's certificate, %q, is self-signed and not trusted; set ca to a file with it", cert.Subject)
	}
	issuer := "an authority"
	if cert != nil {
		issuer = fmt.Sprintf("an authority, %q,", cert.Issuer)
	}
	return "the backend's certificate is from " + issuer + " that is not trusted; set ca to a file with the authority's certificate, or let the backend send its intermediates"
}

func explainTime(cert *x509.Certificate) string {
	const form = "2006-01-02 15:04 MST"
	whose := "the backend's certificate"
	if cert.IsCA {
		whose = fmt.Sprintf("the certificate of the backend's authority, %q,", cert.Subject)
	}
	if time.Now().Before(cert.NotBefore) {
		return fmt.Sprintf("%s is not valid before %s; check this machine's clock", whose, cert.NotBefore.UTC().Format(form))
	}
	return fmt.Sprintf("%s has expired on %s; it has to be renewed", whose, cert.NotAfter.UTC().Format(form))
}

// explainPeer is for a backend that does not want to talk to tain.
func explainPeer(err error) string {
	var header tls.RecordHeaderError
	if errors.As(err, &header) {
		return "the backend does not speak TLS at this port; use http:// or h2c:// in its URL"
	}
	switch alert := alertOf(err); {
	case strings.HasSuffix(alert, "no application protocol"):
		return "the backend does not speak the HTTP version asked for; use https:// in its URL for HTTP/1.1, h2:// for HTTP/2"
	case strings.HasSuffix(alert, "protocol version not supported"):
		return "the backend speaks no TLS version from 1.2 on"
	case strings.HasSuffix(alert, "handshake failure"): // in TLS 1.2 this is also the word for no certificate
		return "the backend ends the handshake: it wants a certificate, for which cert and key are to be set, or has no cipher in common with tain"
	case strings.HasSuffix(alert, "unrecognized name"):
		return "the backend serves no host of the name asked for; set serverName to one that it serves"
	case RefusesCertificate(err):
		return "the backend refuses the certificate that tain shows, or wants one (" + alert + "); set cert and key to the files of one that it trusts"
	}
	return ""
}

// RefusesCertificate says whether err is the word of a backend that does not take the certificate that
// tain shows, or wants one. It has looked at no request then.
func RefusesCertificate(err error) bool { return strings.Contains(alertOf(err), "certificate") }

// alertOf is the text of the alert by which a backend ended the connection; "" where it was something
// else. The type of alerts is crypto/tls's own; their texts are all there is.
func alertOf(err error) string {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return ""
	}
	return op.Err.Error()
}
