# The verbs of the repository. `make` prints them.

FUZZTIME ?= 10s

.PHONY: help build test lint bench demo fuzz

help: ## print this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

build: ## build bin/tain
	go build -trimpath -o bin/tain ./cmd/tain

test: ## run every test
	go test ./...

lint: ## check format, go vet and staticcheck
	scripts/lint

bench: ## measure tain beside nginx, HAProxy and Envoy (BENCH="-only cpu -rounds 3" for a part)
	go run ./bench $(BENCH)

demo: ## start the demo: a shop, a version 2 with planted regressions, and the mirror
	go run ./cmd/tain demo $(DEMO)

fuzz: ## run every fuzz target for FUZZTIME (default 10s) each
	scripts/fuzz $(FUZZTIME)
