package main

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"tain.dev/tain/route"
	"tain.dev/tain/traffic"
)

// copy is what the copy for one target looks like. What traces are made of is made up, and credentials are
// shown as the files that they come from.
func (s *scene) copy(r *route.Route, m *route.Mirror, t *route.Target, a *arrived) copySays {
	says := copySays{Target: t.Name, URL: t.URL, Baseline: t.Baseline}
	secrets := secretsOf(m, t)
	for i := range secrets {
		if _, err := secrets[i].Read(); err != nil && !s.remote {
			says.Reason, says.Why = dropped(traffic.DroppedCredential), err.Error()
			return says
		}
	}
	a, length, ok := says.redact(s, m, a)
	if !ok {
		return says
	}
	shown, target := withoutSecrets(m, t, secrets)
	shape, err := route.NewShape(r, shown, target, s.cfg.Mirror.Marker, s.cfg.Mirror.Instance+"/"+m.Name)
	if err != nil {
		panic("BUG: there is a credential left: " + err.Error())
	}
	says.Head = headLines(append(shape.Append(nil, a.Head, a.LineEnd, a.HostEnd, 1), length...), s.cfg.Proxy.Via)
	for i := range secrets {
		shown := shownSecret(&secrets[i])
		says.Head[0] = strings.ReplaceAll(says.Head[0], url.QueryEscape(shown), shown)
	}
	return says
}

// shownSecret stands for the value of a credential.
func shownSecret(s *route.Secret) string { return s.Prefix + "<" + s.File + ">" }

// secretsOf are the credentials of a target's copies: its own, and those of the mirror that it has no
// own ones for.
func secretsOf(m *route.Mirror, t *route.Target) []route.Secret {
	secrets := slices.Clone(t.Secrets)
	for _, common := range m.Copy.Credentials.Set {
		if !slices.ContainsFunc(t.Secrets, func(own route.Secret) bool {
			return own.Query == common.Query && (own.Name == common.Name || !own.Query && strings.EqualFold(own.Name, common.Name))
		}) {
			secrets = append(secrets, common)
		}
	}
	return secrets
}

// withoutSecrets is the mirror with edits in place of credentials.
func withoutSecrets(m *route.Mirror, t *route.Target, secrets []route.Secret) (*route.Mirror, *route.Target) {
	shown, target := *m, *t
	shown.Copy.Credentials.Set, target.Secrets = nil, nil
	var fields []route.HeaderField
	query := &shown.Copy.Query
	query.Set = slices.Clone(query.Set)
	for i := range secrets {
		secret, value := &secrets[i], shownSecret(&secrets[i])
		if secret.Query {
			query.Set = append(query.Set, route.QueryParam{Name: secret.Name, Value: value})
		} else {
			fields = append(fields, route.HeaderField{Name: secret.Name, Value: value})
		}
	}
	shown.Copy.Header.Set = append(fields, shown.Copy.Header.Set...)
	return &shown, &target
}

// headLines are the lines of a head. Each tain has a name of its own in Via, of which the rehearsal's
// tells nothing.
func headLines(head []byte, via string) []string {
	lines := strings.Split(strings.TrimSuffix(string(head), "\r\n"), "\r\n")
	own := regexp.MustCompile(`^(Via: .*` + regexp.QuoteMeta(cmp.Or(via, "tain")) + `-)[0-9a-f]{8}$`)
	for i := range lines {
		lines[i] = own.ReplaceAllString(lines[i], "${1}…")
	}
	return lines
}
