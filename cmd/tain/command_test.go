package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tain.dev/tain/test/pki"
)

// run runs a command that ends by itself, in the test's own process.
func run(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = execute(args, &out, &errs)
	return code, out.String(), errs.String()
}

// folder has files of certificates, by the names that tests give them.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	ca := pki.New(t)
	shop, other, old := ca.Issue(t, "shop.example.com"), ca.Issue(t, "other.example.com"), ca.Expired(t, "old.example.com")
	for name, file := range map[string]string{
		"ca.pem": ca.File, "shop.pem": shop.Cert, "shop.key": shop.Key, "other.key": other.Key, "old.pem": old.Cert, "old.key": old.Key,
	} {
		if err := os.Symlink(file, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "broken.pem"), []byte("-----BEGIN CERTIFICATE-----\nMIIB"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestCheckLoadsCertificates(t *testing.T) {
	dir := folder(t)
	file := filepath.Join(dir, "tain.yaml")
	f := func(text string, code int, want ...string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, _, stderr := run("check", "-f", file)
		stderr = strings.ReplaceAll(stderr, dir+"/", "")
		lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
		if stderr == "" {
			lines = nil
		}
		if got != code || len(lines) != len(want) {
			t.Fatalf("exit code %d, want %d; %d lines, want %d:\n%s\n%s", got, code, len(lines), len(want), stderr, text)
		}
		for i, line := range lines {
			if !strings.HasPrefix(line, want[i]) {
				t.Errorf("line %d is\n%s\nwant\n%s", i, line, want[i])
			}
		}
	}
	const routes = "routes:\n- {name: shop, backends: 'http://127.0.0.1:9000'}\n"
	listen := func(tls string) string { return "listen: {address: ':8443', tls: {" + tls + "}}\n" + routes }
	f(listen("certificates: {cert: shop.pem, key: shop.key}"), exitOK)
	f(listen("certificates: {cert: shop.pem, key: shop.key}, clientCA: ca.pem"), exitOK)
	f(listen("certificates: {cert: none.pem, key: shop.key}"), exitNegative,
		"tain: error: tain.yaml: TLS of the listener :8443: certificate 1: open none.pem: no such file")
	f(listen("certificates: {cert: shop.pem, key: other.key}"), exitNegative,
		"tain: error: tain.yaml: TLS of the listener :8443: certificate 1: ")
	f(listen("certificates: {cert: shop.pem, key: shop.key}, clientCA: broken.pem"), exitNegative,
		"tain: error: tain.yaml: TLS of the listener :8443: clientCA: broken.pem")
	f(listen("certificates: {cert: old.pem, key: old.key}"), exitOK,
		`level=ERROR msg="a certificate has expired and is still used" cert=old.pem`)

	// What the file itself is wrong about is said once, with its place.
	f(listen("certificates: {key: shop.key}"), exitNegative, "tain: error: tain.yaml:1:")

	// An upstream is looked at once, however many use it; a cleartext one is not looked at.
	f("backends:\n  shop: {url: 'https://shop', tls: {ca: none.pem}}\nroutes:\n"+
		"- {name: one, match: path=/one, backends: {use: shop}, mirrors: {targets: ['http://v2', {use: shop, name: twin}]}}\n"+
		"- {name: two, backends: {use: shop}}\n", exitNegative,
		"tain: error: tain.yaml: route one: backend https://shop:443: ca: open none.pem: no such file")
	f("routes:\n- {name: one, backends: 'https://shop', mirrors: {targets: {url: 'h2://v2', tls: {cert: shop.pem, key: other.key}}}}\n", exitNegative,
		"tain: error: tain.yaml: route one: target h2://v2:443: cert: ")

	f("accessLog: {path: none/access.log, format: template, template: '$status'}\n"+routes, exitOK)
	f("accessLog: {path: access.log, format: template, template: '$state'}\n"+routes, exitNegative,
		`tain: error: tain.yaml: access log: the template has no variable "$state"`)
	if _, err := os.Stat(filepath.Join(dir, "access.log")); err == nil {
		t.Error("checking made an access log")
	}
}

// TestMirrorFlags gives the quick start what it can't serve.
func TestMirrorFlags(t *testing.T) {
	dir := folder(t)
	const live, secured = "--live=http://127.0.0.1:1 --to=http://127.0.0.1:2 ", "--live=https://127.0.0.1:1 --to=h2://127.0.0.1:2 "
	f := func(flags string, code int, want string) {
		t.Helper()
		args := []string{"mirror", "--listen=127.0.0.1:0", "--admin=off", "--data=off", "--mirror-memory=1MiB"}
		for _, flag := range strings.Fields(flags) {
			args = append(args, strings.ReplaceAll(flag, "@", dir+"/"))
		}
		got, _, stderr := run(args...)
		if stderr = strings.ReplaceAll(stderr, dir+"/", ""); got != code || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d, want %d; %s\nwant in it: %s", flags, got, code, stderr, want)
		}
	}
	f(live+"--tls-key=@shop.key", exitUsage, "--tls-key: means nothing without a certificate; use --tls-cert too")
	f(live+"--tls-client-ca=@ca.pem", exitUsage, "--tls-client-ca: means nothing without a certificate; use --tls-cert too")
	f(live+"--tls-cert=@none.pem", exitConfig, "TLS of the listener 127.0.0.1:0: certificate 1: open none.pem")
	f(live+"--tls-cert=@shop.pem --tls-key=@other.key", exitConfig, "TLS of the listener 127.0.0.1:0: certificate 1: ")
	f(live+"--tls-cert=@shop.pem", exitConfig, "TLS of the listener 127.0.0.1:0: certificate 1: ") // no key in it
	f(live+"--tls-cert=@shop.pem --tls-key=@shop.key --tls-cert=@other.pem", exitUsage, "--tls-key: has 1 key for 2 certificates; use it once for each --tls-cert, in the same order")
	f(live+"--tls-cert=@shop.pem --tls-key=@shop.key --tls-key=@other.key", exitUsage, "--tls-key: has 2 keys for 1 certificate; ")
	f(live+"--tls-cert=@shop.pem --tls-cert=@old.pem --tls-key=@shop.key --tls-key=@other.key", exitConfig, "TLS of the listener 127.0.0.1:0: certificate 2: ")
	f(live+"--tls-key=@shop.key --tls-key=@other.key", exitUsage, "--tls-key: means nothing without a certificate; use --tls-cert too")
	f(live+"--tls-cert= --tls-cert=@shop.pem --tls-key=@shop.key --tls-key=", exitUsage, "--tls-cert: is empty; name a file, or leave the flag out\ntain: error: --tls-key: is empty")
	f(live+"--tls-cert=@shop.pem --tls-key=@shop.key --tls-client-ca=", exitUsage, "--tls-client-ca: is empty")
	f(live+"--backend-ca=@ca.pem", exitUsage, "--backend-ca: means nothing, because no URL begins with https:// or h2://; use one that does")
	f(live+"--backend-insecure", exitUsage, "--backend-insecure: means nothing, because no URL begins with https:// or h2://; use one that does")
	f(secured+"--backend-insecure --backend-ca=@ca.pem", exitUsage, "--backend-insecure: takes any certificate, so --backend-ca means nothing; choose one of them")
	f(secured+"--backend-ca=@none.pem", exitConfig, "--backend-ca none.pem: ca: open none.pem")
	f(secured+"--backend-ca=@broken.pem", exitConfig, "--backend-ca broken.pem: ca: broken.pem")
	f(live+"--access-log-format=json", exitUsage, "--access-log-format: means nothing without an access log; use --access-log too")
	f(live+"--access-log=@a --access-log-format=xml", exitUsage, `--access-log-format: "xml" is unknown; use combined, json, or a template with variables such as $status`)
	f(live+"--access-log=@a --access-log-format=template", exitUsage, `--access-log-format: "template" is unknown`)
	f(live+"--access-log=@a --access-log-format=$state", exitConfig, `access log: the template has no variable "$state"`)
	f(live+"--access-log=@none/a", exitConfig, "access log: open none/a: no such file")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()
	f(live+"--listen="+addr, exitConfig, "tain: error: --listen "+addr+": address already in use\ntain: hint: something else listens there")
	f(live+"--listen=192.0.2.1:8080", exitConfig, "tain: error: --listen 192.0.2.1:8080: cannot assign requested address\ntain: hint: it has to be an address of this machine")
	f(live+"--listen=unix:a", exitUsage, `--listen: "unix:a" is not the address of a socket; use unix:/path`)
	f("--live=ftp://a --to=https+unix:///a", exitUsage, `--live: "ftp://a" has no scheme that is known; use http, https, h2c or h2 with ://host:port`)
	f("--live=ftp://a --to=https+unix:///a", exitUsage, `--to: "https+unix:///a" has no scheme`)
}

// TestDemoHasNoFlagsOfTLS holds that the demo stays what it is: all on loopback, and in the clear.
func TestDemoHasNoFlagsOfTLS(t *testing.T) {
	_, help, _ := run("demo", "--help")
	for _, flag := range []string{"--tls", "--backend", "--access-log"} {
		if strings.Contains(help, flag) {
			t.Errorf("tain demo has %s", flag)
		}
	}
}
