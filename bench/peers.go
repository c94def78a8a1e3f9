//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// The peers get the configuration that a careful operator would give them for this job: one
// worker, keep-alive on both sides, no access log, everything else as it comes.

const nginxFrame = `
daemon off;
worker_processes 1;
pid %[1]s/nginx.pid;
error_log stderr crit;
events { worker_connections 16384; }
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	keepalive_requests 1000000000;
	client_max_body_size 0;
	default_type application/json;
%[2]s
}
`

// smallJSON is the answer that everything but the upload asks for.
const smallJSON = `{"id":7,"name":"green tea","price":4.5,"stock":12,"tags":["loose","organic"]}`

// nginx starts an nginx on a free address with the given http block, in which ADDR is
// that address.
func (b *bench) nginx(name, http string) (*server, error) {
	dir, err := os.MkdirTemp(b.dir, name+"-")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o711); err != nil { // as in newBench
		return nil, err
	}
	addr := freeAddr()
	conf := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf(nginxFrame, dir, strings.ReplaceAll(http, "ADDR", addr))
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return b.start(name, addr, "nginx", "-e", "stderr", "-p", dir, "-c", conf)
}

// answering starts an nginx that answers body to everything and counts it at /status.
func (b *bench) answering(name, body string) (*server, error) {
	return b.nginx(name, fmt.Sprintf(`
	server {
		listen ADDR;
		location = /status { stub_status; }
		location / { return 200 '%s'; }
	}`, body))
}

// upstream starts what answers live, or a healthy target: the cheapest server there is, so that
// the load can saturate the proxy.
func (b *bench) upstream(name string) (*server, error) { return b.answering(name, smallJSON) }

// upstreams starts a live and a healthy target.
func (b *bench) upstreams() (live, target *server, err error) {
	if live, err = b.upstream("live"); err != nil {
		return nil, nil, err
	}
	target, err = b.upstream("target")
	return live, target, err
}

// differing starts a target whose every answer differs from live's, at the cost of a healthy one.
func (b *bench) differing() (*server, error) {
	return b.answering("differing", `{"id":"$request_id","name":"black tea","price":$msec,"stock":"12","tags":["$connection","$connection_requests"]}`)
}

// nginxProxy starts nginx as a proxy before live, mirroring to target unless that is "".
func (b *bench) nginxProxy(live, target string) (*server, error) {
	return b.nginxListening("listen ADDR;", live, target)
}

// nginxListening is nginxProxy whose listener has these directives, with ADDR for its address.
func (b *bench) nginxListening(listen, live, target string) (*server, error) {
	const pass = `proxy_http_version 1.1; proxy_set_header Connection "";`
	upstreams := fmt.Sprintf("upstream live { server %s; keepalive 64; }\n", live)
	mirror, location := "", ""
	if target != "" {
		upstreams += fmt.Sprintf("upstream target { server %s; keepalive 64; }\n", target)
		mirror = "mirror /m; mirror_request_body on; "
		location = "location = /m { internal; proxy_pass http://target$request_uri; " + pass + " }"
	}
	return b.nginx("nginx", upstreams+`
	server {
		`+listen+`
		location / { `+mirror+`proxy_pass http://live; `+pass+` }
		`+location+`
	}`)
}

// haproxyProxy starts HAProxy before live.
func (b *bench) haproxyProxy(live string) (*server, error) {
	if !slices.Contains(b.peers, "haproxy") {
		return nil, errNotInstalled
	}
	if _, err := exec.LookPath("haproxy"); err != nil {
		return nil, errNotInstalled
	}
	addr := freeAddr()
	conf := filepath.Join(b.dir, "haproxy.cfg")
	text := fmt.Sprintf(`global
	nbthread 1
	maxconn 4096
defaults
	mode http
	option http-keep-alive
	http-reuse always
	timeout connect 5s
	timeout client 60s
	timeout server 60s
frontend in
	bind %s
	default_backend live
backend live
	server live %s
`, addr, live)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return b.start("haproxy", addr, "haproxy", "-db", "-f", conf)
}

// envoyProxy starts Envoy before live, mirroring to target unless that is "".
func (b *bench) envoyProxy(live, target string) (*server, error) {
	if !slices.Contains(b.peers, "envoy") {
		return nil, errNotInstalled
	}
	path, err := envoyPath()
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(b.dir, "envoy-*.yaml")
	if err != nil {
		return nil, err
	}
	addr := freeAddr()
	_, err = f.WriteString(envoyConfig(addr, live, target))
	if err := f.Close(); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	return b.start("envoy", addr, path, "-c", f.Name(), "--concurrency", "1", "--log-level", "critical", "--disable-hot-restart")
}

// envoyPath is an installed Envoy, else what scripts/get-envoy has fetched or fetches.
func envoyPath() (string, error) {
	if path, err := exec.LookPath("envoy"); err == nil {
		return path, nil
	}
	out, err := exec.Command("scripts/get-envoy").Output()
	if err != nil {
		return "", fmt.Errorf("%w: scripts/get-envoy: %w", errNotInstalled, err)
	}
	return strings.TrimSpace(string(out)), nil
}

func envoyConfig(addr, live, target string) string {
	clusters := envoyCluster("live", live)
	policies := ""
	if target != "" {
		clusters += envoyCluster("mirror", target)
		policies = ", request_mirror_policies: [{ cluster: mirror }]"
	}
	host, port, _ := strings.Cut(addr, ":")
	return fmt.Sprintf(`static_resources:
  listeners:
  - address: { socket_address: { address: %s, port_value: %s } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: in
          codec_type: HTTP1
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: { prefix: "/" }
                route: { cluster: live, timeout: 0s%s }
          http_filters:
          - name: envoy.filters.http.router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
  clusters:
%s`, host, port, policies, clusters)
}

func envoyCluster(name, addr string) string {
	host, port, _ := strings.Cut(addr, ":")
	return fmt.Sprintf(`  - name: %s
    type: STATIC
    load_assignment:
      cluster_name: %s
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: %s, port_value: %s } } } }] }]
`, name, name, host, port)
}
