package console

import (
	"net/http"
	"runtime"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tain.dev/tain/route"
	"tain.dev/tain/traffic"
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// The books, as traffic.Books describes them.
var (
	seen       = desc("tain_mirror_seen_total", "Requests whose route has the mirror.", "mirror", "target")
	unmatched  = desc("tain_mirror_unmatched_total", "Requests that the mirror does not apply to.", "mirror", "target", "reason")
	unsampled  = desc("tain_mirror_unsampled_total", "Requests that are not in the sample.", "mirror", "target")
	dropped    = desc("tain_mirror_dropped_total", "Copies given up before a connection was attempted.", "mirror", "target", "reason")
	sent       = desc("tain_mirror_sent_total", "Copies for which a connection was attempted.", "mirror", "target")
	answered   = desc("tain_mirror_answered_total", "Copies with a complete answer.", "mirror", "target")
	failed     = desc("tain_mirror_failed_total", "Copies sent without a complete answer.", "mirror", "target", "reason")
	compared   = desc("tain_mirror_compared_total", "Pairs compared.", "mirror", "target")
	uncompared = desc("tain_mirror_uncompared_total", "Pairs not compared.", "mirror", "target", "reason")
	queued     = desc("tain_mirror_queued", "Copies that wait to be sent.", "mirror", "target")
	inflight   = desc("tain_mirror_inflight", "Copies that wait for the end of their answer.", "mirror", "target")
	comparing  = desc("tain_mirror_comparing", "Pairs that wait to be compared.", "mirror", "target")
)

var (
	mirrorLimit   = desc("tain_mirror_limit", "Copies that may be in flight, now; 0 is no limit.", "mirror", "target")
	breakerOpen   = desc("tain_mirror_breaker_open", "1 while the breaker is open, or waits for the outcome of its probe.", "mirror", "target")
	breakerOpened = desc("tain_mirror_breaker_opened_total", "How often the breaker opened, after failed probes too.", "mirror", "target")
	strainShare   = desc("tain_mirror_strain_ratio", "Part of what is configured that is copied, 0 to 1; less than 1 while live shows strain.", "mirror", "target")
	mirrorPaused  = desc("tain_mirror_paused", "1 while the mirror is paused.", "mirror", "target")
	mirrorLatency = desc("tain_mirror_latency_seconds", "From sending a copy to the last byte of its answer.", "mirror", "target")
	mirrorDecided = desc("tain_mirror_decided_ratio", "Share of the requests, 0 to 1, that operators decided on instead of the configuration's.", "mirror")
	mirrorKilled  = desc("tain_mirror_killed", "1 while the kill switch is on.")
	memoryUsed    = desc("tain_mirror_memory_used_bytes", "Bytes of the mirror memory in use.")
	memoryCeiling = desc("tain_mirror_memory_ceiling_bytes", "Bytes of the mirror memory in all.")

	liveRequests = desc("tain_proxy_requests_total", "Live requests answered, by class of the status.", "class")
	liveRefused  = desc("tain_proxy_refused_total", "Live requests that tain answered itself, by status.", "code")
	liveErrors   = desc("tain_proxy_errors_total", "What users met in place of live's answer, by reason.", "reason")
	liveReceived = desc("tain_proxy_received_bytes_total", "Bytes received from users.")
	liveSent     = desc("tain_proxy_sent_bytes_total", "Bytes sent to users.")
	liveConns    = desc("tain_proxy_connections", "Open connections of users.")
	liveLatency  = desc("tain_proxy_latency_seconds", "From the head of a live request to the last byte of its answer.")
	logWritten   = desc("tain_access_log_written_total", "Lines of the access log that were written.")
	logLost      = desc("tain_access_log_lost_total", "Lines of the access log that could not be written.")

	reloadOK   = desc("tain_config_last_reload_successful", "1 when the last reading of the configuration found no errors.")
	reloadTime = desc("tain_config_last_reload_timestamp_seconds", "When the configuration was last read, seconds since 1970.")
	buildInfo  = desc("tain_build_info", "1, with the version as labels.", "version", "revision", "goversion")
)

// collector turns one moment's snapshots into metrics. It keeps nothing itself.
type collector struct{ src Sources }

// newMetrics serves the metrics of src, the Go runtime and the process.
func newMetrics(src Sources) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collector{src},
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: 4,
	})
}

// Describe names no metrics, which tells the registry that they vary.
func (c collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	books := merged(c.src.Books())
	for i := range books {
		c.collectBooks(out, &books[i])
	}
	c.collectLive(out)
	c.collectStatus(out)
	c.collectControl(out)
	upstreams := byName(c.src.Upstreams())
	for i := range upstreams {
		collectUpstream(out, &upstreams[i])
	}
	for _, cert := range c.src.Certificates() {
		collectCertificate(out, &cert)
	}
}

func (c collector) collectBooks(out chan<- prometheus.Metric, b *traffic.Books) {
	of := []string{b.Mirror, b.Target}
	count(out, seen, b.Seen, of...)
	countReasons[traffic.Unmatched](out, unmatched, b.Unmatched[:], of)
	count(out, unsampled, b.Unsampled, of...)
	countReasons[traffic.Dropped](out, dropped, b.Dropped[:], of)
	count(out, sent, b.Sent, of...)
	count(out, answered, b.Answered, of...)
	countReasons[traffic.Failed](out, failed, b.Failed[:], of)
	count(out, compared, b.Compared, of...)
	countReasons[traffic.Uncompared](out, uncompared, b.Uncompared[:], of)
	gauge(out, queued, float64(b.Queued), of...)
	gauge(out, inflight, float64(b.InFlight), of...)
	gauge(out, comparing, float64(b.Comparing), of...)
	gauge(out, mirrorPaused, oneIf(b.Paused), of...)
	collectThrottle(out, b.Throttle, of)
	histogram(out, mirrorLatency, c.src.Latency(b.Mirror, b.Target), of...)
}

func collectThrottle(out chan<- prometheus.Metric, t *traffic.Throttle, of []string) {
	if t == nil {
		return
	}
	gauge(out, mirrorLimit, t.Limit, of...)
	gauge(out, breakerOpen, oneIf(t.Breaker == "open" || t.Breaker == "half-open"), of...)
	count(out, breakerOpened, t.BreakerOpened, of...)
	gauge(out, strainShare, t.Share, of...)
}

func (c collector) collectLive(out chan<- prometheus.Metric) {
	l := c.src.Live()
	for class, n := range l.Requests {
		count(out, liveRequests, n, class)
	}
	for code, n := range l.Refused {
		count(out, liveRefused, n, strconv.Itoa(code))
	}
	for reason, n := range l.Errors {
		count(out, liveErrors, n, reason)
	}
	count(out, liveReceived, l.BytesIn)
	count(out, liveSent, l.BytesOut)
	gauge(out, liveConns, float64(l.Connections))
	histogram(out, liveLatency, l.Latency)
	count(out, logWritten, l.LogWritten)
	count(out, logLost, l.LogLost)
}

func (c collector) collectStatus(out chan<- prometheus.Metric) {
	s := c.src.Status()
	gauge(out, memoryUsed, float64(s.Memory.Used))
	gauge(out, memoryCeiling, float64(s.Memory.Ceiling))
	gauge(out, reloadOK, oneIf(s.Config.OK))
	gauge(out, reloadTime, float64(s.Config.Time.UnixMilli())/1000)
	gauge(out, buildInfo, 1, s.Version, s.Revision, runtime.Version())
}

func (c collector) collectControl(out chan<- prometheus.Metric) {
	report := c.src.Control()
	gauge(out, mirrorKilled, oneIf(report.Killed))
	for _, m := range report.Mirrors {
		if m.Percent != nil {
			gauge(out, mirrorDecided, float64(*m.Percent)/route.All, m.Mirror)
		}
	}
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func count(out chan<- prometheus.Metric, d *prometheus.Desc, n uint64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), valid(labels)...)
}

// seconds counts time.
func seconds(out chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, valid(labels)...)
}

// countReasons counts every reason, those at 0 too, so that a rate shows the first one that comes.
func countReasons[R reason](out chan<- prometheus.Metric, d *prometheus.Desc, counts []uint64, of []string) {
	for i, n := range counts {
		count(out, d, n, of[0], of[1], R(i).String())
	}
}

func gauge(out chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, valid(labels)...)
}

func histogram(out chan<- prometheus.Metric, d *prometheus.Desc, l Latency, labels ...string) {
	buckets := make(map[float64]uint64, len(LatencyBounds))
	for i, bound := range LatencyBounds {
		buckets[bound.Seconds()] = l.Below[i]
	}
	out <- prometheus.MustNewConstHistogram(d, l.Count, l.Sum.Seconds(), buckets, valid(labels)...)
}

// valid makes labels out of any text: one that is not UTF-8 would be no metric at all.
func valid(labels []string) []string {
	for i, text := range labels {
		labels[i] = strings.ToValidUTF8(text, "\uFFFD")
	}
	return labels
}
