package websocket

import (
	"os"
	"testing"

	"tain.dev/tain/test/wire"
)

func TestMain(m *testing.M) { os.Exit(wire.Main(m)) }
