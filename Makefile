# Every target works on a fresh checkout: what it needs and does not find it
# installs inside the checkout, or it says what is missing.

GO       ?= go
FUZZTIME ?= 30s
# After this the tests of one package count as hanging. The whole suite stays well
# under 25 minutes on two cores; those of e2e took 14 on two that were busy.
TIMEOUT  ?= 40m

.DEFAULT_GOAL := help
.PHONY: help build test peers mechanisms lint fuzz bench reliability soak clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/custos, one static file
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/custos ./cmd/custos

peers: ## install the real MCP servers and the browser that the tests drive, into .peers/
	@scripts/peers.sh
	@scripts/browser.sh || true # it said why; the tests that need it are skipped

test: peers ## install what the tests need and run all of them
	$(GO) vet ./...
	$(GO) test -race -timeout $(TIMEOUT) ./...
	scripts/modules.sh vet test

lint: ## golangci-lint and govulncheck at pinned versions
	scripts/lint.sh
	scripts/modules.sh lint

fuzz: ## every fuzz target for FUZZTIME (30s) each
	FUZZTIME=$(FUZZTIME) scripts/fuzz.sh

bench: ## direct, raw relay and Custos measured side by side; BENCH= passes flags
	$(GO) run ./bench $(BENCH)

mechanisms: ## install strace and file system tools, which the campaigns need (root)
	@scripts/mechanisms.sh

reliability: peers mechanisms ## the long crash, power-cut and fault tests; fails where a mechanism is missing
	CUSTOS_RELIABILITY=1 $(GO) test -timeout 120m ./...

soak: ## 1,000 sessions and one of 100,000 calls, memory watched; SOAK= passes flags
	$(GO) run ./bench soak $(SOAK)

clean: ## remove what the targets above made
	rm -rf bin .peers .bench
