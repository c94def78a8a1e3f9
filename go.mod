module tain.dev/tain

go 1.26.8
