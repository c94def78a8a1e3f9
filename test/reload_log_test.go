package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tain.dev/tain/test/pki"
	"tain.dev/tain/test/wire"
)

// TestReloadIsTold reads in one line of the log what came of a reload: the listeners that were opened,
// changed and closed, and the certificates that are new.
func TestReloadIsTold(t *testing.T) {
	live, ca := startNginx(t), pki.New(t)
	shop, renewed := ca.Issue(t, "shop.example.com"), ca.Issue(t, "shop.example.com")
	p, file := wire.NewTain(t), filepath.Join(t.TempDir(), "tain.yaml")
	other := wire.FreeAddr(t)
	write := func(listen string) {
		t.Helper()
		text := fmt.Sprintf("listen:\n%sadmin: %s\ndata: {dir: \"off\"}\ndrain: 2s\nroutes:\n- {name: shop, backends: '%s'}\n", listen, p.AdminAddr, live.url)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cleartext, secured := "- "+p.Addr+"\n", fmt.Sprintf("- {address: '%s', tls: {certificates: {cert: '%s', key: '%s'}}}\n", other, shop.Cert, shop.Key)
	write(cleartext)
	p.Start(t, exec.Command(wire.Binary), "run", "-f", file)
	const read = `"msg":"the configuration was read"`
	p.Says(t, read+`,"ok":true,"routes":1}`)

	f := func(want string) {
		t.Helper()
		wire.Until(t, "the log to say "+want, func() bool { return strings.Contains(p.Log.String(), read+`,"ok":true,"routes":1`+want+"}\n") })
	}
	write(cleartext + secured)
	f(fmt.Sprintf(`,"opened":%q,"certificates":%q`, other, shop.Cert))
	write(cleartext + strings.Replace(secured, "tls: {", "tls: {minVersion: '1.3', ", 1))
	f(fmt.Sprintf(`,"changed":%q`, other))
	shop.Replace(t, renewed)
	p.Signal(t, syscall.SIGHUP)
	f(fmt.Sprintf(`,"certificates":%q`, shop.Cert))
	write(cleartext)
	f(fmt.Sprintf(`,"closed":%q`, other))
	p.Signal(t, syscall.SIGTERM)
	if err := p.Wait(t); err != nil {
		t.Errorf("tain ended with %v", err)
	}
}
