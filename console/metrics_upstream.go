package console

import "github.com/prometheus/client_golang/prometheus"

// Upstreams and certificates, as [Upstream], [Server] and [Certificate] describe them.
var (
	upServers = desc("tain_upstream_servers", "Servers of the upstream.", "upstream")
	upWell    = desc("tain_upstream_servers_well", "Servers of the upstream that are well.", "upstream")
	upPanic   = desc("tain_upstream_panic", "1 while too few servers are well, so that all are used.", "upstream")
	upLookup  = desc("tain_upstream_last_lookup_successful", "1 when the last look-up of the upstream's name did not fail.", "upstream")
	upRunning = desc("tain_upstream_running", "Requests, connections and retries at the moment.", "upstream", "kind")
	upLimit   = desc("tain_upstream_limit", "How many requests, connections and retries may run at the moment; 0 is no limit.", "upstream", "kind")
	upRefused = desc("tain_upstream_refused_total", "Requests, connections and retries that a limit refused.", "upstream", "kind")

	serverWell      = desc("tain_upstream_server_well", "1 while the server is well.", "upstream", "server")
	serverActive    = desc("tain_upstream_server_active", "Requests that run at the server.", "upstream", "server")
	serverRequests  = desc("tain_upstream_server_requests_total", "Requests that ended.", "upstream", "server")
	serverFailed    = desc("tain_upstream_server_failed_total", "Requests that ended without an answer, or with one of 5xx other than 501.", "upstream", "server")
	serverBusy      = desc("tain_upstream_server_busy_seconds_total", "Time that the requests took, all together.", "upstream", "server")
	serverEjections = desc("tain_upstream_server_ejections_total", "How often the server was left out because of its answers.", "upstream", "server")

	certNotAfter = desc("tain_certificate_not_after_seconds", "When the certificate, or the last of the authorities, expires, seconds since 1970.", "cert", "key")
	certLoaded   = desc("tain_certificate_last_load_successful", "1 when the files hold what is in use.", "cert", "key")
)

// maxServers bounds the servers of one upstream that have metrics of their own. Names can have
// thousands, each with six.
const maxServers = 256

func collectUpstream(out chan<- prometheus.Metric, u *Upstream) {
	well := 0
	for i := range u.Servers {
		s := &u.Servers[i]
		if s.Well {
			well++
		}
		if i < maxServers {
			collectServer(out, s, u.Name, s.Address)
		}
	}
	gauge(out, upServers, float64(len(u.Servers)), u.Name)
	gauge(out, upWell, float64(well), u.Name)
	gauge(out, upPanic, oneIf(u.Panic), u.Name)
	gauge(out, upLookup, oneIf(u.LookupError == ""), u.Name)
	collectLimit(out, u.Requests, u.Name, "requests")
	collectLimit(out, u.Connections, u.Name, "connections")
	collectLimit(out, u.Retries, u.Name, "retries")
}

func collectLimit(out chan<- prometheus.Metric, l Limit, name, kind string) {
	gauge(out, upRunning, float64(l.Running), name, kind)
	gauge(out, upLimit, float64(l.Limit), name, kind)
	count(out, upRefused, l.Refused, name, kind)
}

func collectServer(out chan<- prometheus.Metric, s *Server, of ...string) {
	gauge(out, serverWell, oneIf(s.Well), of...)
	gauge(out, serverActive, float64(s.Active), of...)
	count(out, serverRequests, s.Requests, of...)
	count(out, serverFailed, s.Failed, of...)
	seconds(out, serverBusy, s.Busy, of...)
	count(out, serverEjections, s.Ejections, of...)
}

func collectCertificate(out chan<- prometheus.Metric, c *Certificate) {
	gauge(out, certNotAfter, float64(c.NotAfter.Unix()), c.Cert, c.Key)
	gauge(out, certLoaded, oneIf(c.Error == ""), c.Cert, c.Key)
}
