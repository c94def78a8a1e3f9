//go:build linux

package main

// cpu compares what a request costs each proxy, plain and with a mirror.
func (b *bench) cpu() error {
	live, target, err := b.upstreams()
	if err != nil {
		return err
	}
	plain := &contender{name: "nginx", start: func() (*server, error) { return b.nginxProxy(live.addr, "") }}
	nginxMirror := &contender{name: "nginx with `mirror`", target: target, start: func() (*server, error) { return b.nginxProxy(live.addr, target.addr) }}
	haproxy := &contender{name: "HAProxy", start: func() (*server, error) { return b.haproxyProxy(live.addr) }}
	envoy := &contender{name: "Envoy", start: func() (*server, error) { return b.envoyProxy(live.addr, "") }}
	envoyMirror := &contender{name: "Envoy with `request_mirror_policies`", target: target, start: func() (*server, error) { return b.envoyProxy(live.addr, target.addr) }}
	tain := &contender{name: "tain", start: func() (*server, error) {
		return b.tain(live.addr, "--to", "http://"+target.addr, "--percent", "0")
	}}
	tainMirror := &contender{name: "tain, 100 % mirrored and compared", target: target, start: func() (*server, error) { return b.watchedTain(live.addr, "--to", "http://"+target.addr) }}

	all := []*contender{plain, haproxy, envoy, tain, nginxMirror, envoyMirror, tainMirror}
	if err := b.compete(wrk, all); err != nil {
		return err
	}
	limits := map[*contender]limit{tain: {Must: 1.1, Aim: 0.8}, tainMirror: {Must: 1.8, Aim: 1.25}}
	for _, c := range all {
		b.report.add(c.row(plain, limits[c]))
	}
	b.report.add(
		versus(tainMirror, nginxMirror, limit{Must: 0.4, Aim: 0.25}),
		versus(tainMirror, envoyMirror, limit{Must: 0.3, Aim: 0.2}))
	b.report.note("The ratio is to nginx without a mirror in the same round; the last two rows name their base. Spread: smallest and largest round.")
	return nil
}
