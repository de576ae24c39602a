# Warble's commands. `make run` and `make test` need Go and nothing else; the others fetch what they need through Go's
# own module downloads, and `make sdk` needs python3 with venv too. Every target may be run from a fresh clone.

GO          ?= go
SHARED      ?= ../shared#  real input for `make import`: tweets, a follow graph, photos
ROUNDS      ?= 200#        kills of the real binary in `make crash`
POINTS      ?= 1000#       crash clones in `make powerloss`
FUZZ_TOTAL  ?= 180#        seconds that all fuzz targets share
FUZZTIME    ?=#            seconds for each fuzz target; empty: an even share of FUZZ_TOTAL
BENCH_FLAGS ?=#            --quick for a minute instead of half an hour
TESTFLAGS   ?=#            more flags for every go test below: -v, -run X, -count=1
DATA        ?= dir:./warble-data
CLUSTER     ?= ./warble-cluster#  folder of the local cluster: configuration, data, logs, secrets
PORT        ?= 8080#       of the local cluster
NET         ?= 127.0.0#    first three numbers of its addresses
SEARCH      ?= 1#          OpenSearch nodes in it: 1 or 3
ENGINES     ?=#            1: its engines only
JSON        ?=#            1: cluster-status as JSON
FULL        ?=#            1: the whole follow graph in `make journey`, the whole matrix, twice, in `make faults`

# Pinned: a new version is a change of its own.
GOLANGCI = v2.15.0
XDK      = 0.9.0 0.10.6

# One build for all systems: without cgo it does not depend on the C compiler that happens to be installed.
export CGO_ENABLED ?= 0
LDFLAGS   = -s -w
PLATFORMS = linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
MAX_BYTES = 30000000
TOOLS     = $(CURDIR)/bin/tools

.PHONY: help run demo build cluster cluster-down cluster-status cluster-install test race cover check fmt lint laws vet tidy generate generated cross bench fuzz crash powerloss sdk import engines journey faults teeth cluster-test clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' Makefile

run: build ## build, fill an empty store with a small living network, serve it
	@exec bin/warble serve --demo --dev --data $(DATA)

demo: build ## the same in a directory that is thrown away
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && trap : INT TERM && bin/warble serve --demo --dev --data "dir:$$dir"

# Without -trimpath, so that it shares its compiled packages with the tests; `make cross` builds what is handed on.
build: ## bin/warble
	@$(GO) build -ldflags '$(LDFLAGS)' -o bin/warble ./cmd/warble

test: ## every test that is not long
	$(GO) test -timeout 8m $(TESTFLAGS) ./...

race: ## the same under the race detector; needs a C compiler
	CGO_ENABLED=1 $(GO) test -race -timeout 30m $(TESTFLAGS) ./...

cover: ## coverage by function, and bin/cover.html
	@mkdir -p bin
	$(GO) test -timeout 15m -coverpkg=./... -coverprofile=bin/cover.out $(TESTFLAGS) ./...
	@$(GO) tool cover -html=bin/cover.out -o bin/cover.html
	@$(GO) tool cover -func=bin/cover.out

# --- the distributed shape on one machine: docs/cluster.md --------------------------------------------------------------

cluster: $(if $(ENGINES),,build) bin/cluster ## start it: engines, balancer, roles, watchers; returns when it serves
	@bin/cluster up --run '$(CLUSTER)' --net $(NET) --port $(PORT) --search $(SEARCH) $(if $(ENGINES),,--warble bin/warble)

cluster-down: bin/cluster ## end it; its data stays
	@bin/cluster down --run '$(CLUSTER)'

cluster-status: bin/cluster ## every process with its health and memory; JSON=1 for programs
	@bin/cluster status --run '$(CLUSTER)' $(if $(JSON),--json)

cluster-install: bin/cluster ## only install what it needs
	@bin/cluster up --install-only

.PHONY: bin/cluster
bin/cluster:
	@$(GO) build -o $@ ./deploy/local

# --- what must hold before a commit -----------------------------------------------------------------------------------

check: fmt vet lint laws tidy generated ## what CI checks first: format, vet, linters, laws, go.mod, generated files

fmt: ## files that gofmt would change
	@files=$$(git ls-files --cached --others --exclude-standard '*.go' | xargs gofmt -l) || exit 1; \
	if [ -n "$$files" ]; then echo "not formatted, run gofmt -w on:"; echo "$$files"; exit 1; fi

vet: ## go vet, long tests included
	$(GO) vet ./...
	$(GO) vet -tags crash,powerloss,sdk,import,journey,cluster ./...

lint: $(TOOLS)/golangci-lint-$(GOLANGCI) ## golangci-lint with .golangci.yml
	@$< run ./...

laws: ## the laws of the house: internal/lint
	@$(GO) test -count=1 ./internal/lint

tidy: ## go.mod says what the code imports
	@out=$$($(GO) mod tidy -diff) || { echo "$$out" | head -n 40; echo "go.mod is not tidy: run go mod tidy"; exit 1; }

# Generators are run by version through go run or from the tools folder, so that they bring nothing into go.mod.
generate: ## write the generated files anew
	@if git ls-files --cached --others --exclude-standard '*.templ' | grep -q .; then \
	  v=$$($(GO) list -m -f '{{.Version}}' github.com/a-h/templ) && \
	  { [ -x "$(TOOLS)/templ-$$v" ] || $(MAKE) --no-print-directory install PKG=github.com/a-h/templ/cmd/templ V="$$v"; } && \
	  "$(TOOLS)/templ-$$v" generate -log-level error; fi
	$(GO) generate ./...

generated: ## generating changes nothing
	@mkdir -p bin; state() { git status --porcelain; git diff; }; \
	state >bin/before.diff; $(MAKE) --no-print-directory generate && state >bin/after.diff || exit 1; \
	if ! cmp -s bin/before.diff bin/after.diff; then \
	  echo "make generate changed files: commit what it wrote"; diff bin/before.diff bin/after.diff | head -n 40; exit 1; fi

# Compiled once, from source, into bin/tools/NAME-VERSION: about two minutes on two cores with empty caches, seconds after.
$(TOOLS)/golangci-lint-$(GOLANGCI):
	@$(MAKE) --no-print-directory install PKG=github.com/golangci/golangci-lint/v2/cmd/golangci-lint V=$(GOLANGCI)

.PHONY: install
install:
	@mkdir -p $(TOOLS)/new && echo "installing $(PKG)@$(V)" && GOBIN=$(TOOLS)/new $(GO) install -trimpath $(PKG)@$(V) && \
	mv $(TOOLS)/new/$(notdir $(PKG)) $(TOOLS)/$(notdir $(PKG))-$(V)

cross: ## the binary for every system, each at most 30 MB
	@mkdir -p bin/cross; bad=0; for p in $(PLATFORMS); do \
	  out=bin/cross/warble-$$(echo $$p | tr / -); \
	  CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/} $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $$out ./cmd/warble || { bad=1; continue; }; \
	  size=$$(wc -c <$$out | tr -d ' '); echo "$$p $$size bytes"; \
	  if [ $$size -gt $(MAX_BYTES) ]; then echo "$$p: over $(MAX_BYTES) bytes: see which import grew it with go tool nm -size -sort size $$out"; bad=1; fi; \
	done; exit $$bad

# --- what takes longer ------------------------------------------------------------------------------------------------

bench: build ## measure, against controls in the same run
	@bin/warble bench $(BENCH_FLAGS)

fuzz: ## every fuzz target for its share of FUZZ_TOTAL seconds
	@GO='$(GO)' FUZZ_TOTAL='$(FUZZ_TOTAL)' FUZZTIME='$(FUZZTIME)' .ci/fuzz

crash: ## kill and pause the real binary ROUNDS times, look for what it had acknowledged
	$(GO) test -tags crash -count=1 -timeout 80m $(TESTFLAGS) -run Crash ./test/crash -rounds $(ROUNDS)

powerloss: ## cut the power at POINTS random moments, look for what was durable
	$(GO) test -tags powerloss -count=1 -timeout 80m $(TESTFLAGS) -run PowerLoss ./test/powerloss -points $(POINTS)

sdk: build $(XDK:%=$(TOOLS)/xdk-%/ready) ## the official Python SDK, each pinned version in a venv of its own, against the real binary
	@for v in $(XDK); do \
	  XDK_PYTHON=$(TOOLS)/xdk-$$v/bin/python XDK_VERSION=$$v $(GO) test -tags sdk -count=1 -timeout 10m $(TESTFLAGS) -run SDK ./test/sdk || exit 1; \
	done

$(TOOLS)/xdk-%/ready:
	@echo "installing xdk $*"; rm -rf $(@D) && python3 -m venv $(@D) && \
	$(@D)/bin/pip install -q --disable-pip-version-check "xdk==$*" && touch $@

import: build ## import all of SHARED/data and compare with a recomputation from the files
	WARBLE_SHARED=$(abspath $(SHARED)) $(GO) test -tags import -count=1 -timeout 20m $(TESTFLAGS) -run Import ./test/import

# --- the distributed shape, with the real engines; Linux ---------------------------------------------------------------

# Each starts a cluster of its own, on addresses of its own, and ends it; what an earlier one has left goes first. The
# folder of one that failed stays, with its logs.
engines journey: NET = 127.0.55
engines journey: PORT = 8455
engines journey: CLUSTER = $(CURDIR)/bin/$@-cluster
FRESH = if [ -d '$(CLUSTER)/secrets' ]; then bin/cluster down --run '$(CLUSTER)' --wipe || exit 1; fi
ENGINE_TESTS = $(addprefix ./,$(shell grep -l '^//go:build.*cluster' engine/*/*_test.go deploy/local/*_test.go | xargs -n 1 dirname | sort -u))

engines: bin/cluster ## the engines' suites against a cluster; a missing engine fails them
	@$(FRESH); trap : INT TERM; trap 'bin/cluster down --run "$(CLUSTER)"' EXIT; \
	bin/cluster up --run '$(CLUSTER)' --net $(NET) --port $(PORT) --search $(SEARCH) && \
	WARBLE_CLUSTER='$(CLUSTER)/cluster.yaml' $(GO) test -p 2 -tags cluster -count=1 -timeout 14m $(TESTFLAGS) $(ENGINE_TESTS)

journey: JOURNEY_XDK = $(lastword $(XDK))
journey: build bin/cluster $(TOOLS)/xdk-$(lastword $(XDK))/ready ## from nothing to a cluster, a bot, an import, an alert, the end
	@$(FRESH); WARBLE_SHARED=$(abspath $(SHARED)) XDK_PYTHON=$(TOOLS)/xdk-$(JOURNEY_XDK)/bin/python XDK_VERSION=$(JOURNEY_XDK) \
	$(GO) test -tags journey -v -count=1 -timeout 4h $(TESTFLAGS) -run Journey ./test/journey \
	  -run-folder '$(CLUSTER)' -net $(NET) -port $(PORT) $(if $(FULL),-full) && bin/cluster down --run '$(CLUSTER)' --wipe

MATRIX = TestPromisesHoldUnderEveryFault

faults: ## break every part of a cluster under load, look for what was promised; root
	FULL='$(FULL)' $(GO) test -tags cluster,faults -v -count=1 -timeout 80m $(TESTFLAGS) -run $(MATRIX) ./test/fault

teeth: ## what is told wrongly is found, and each fault works; root
	$(GO) test -tags cluster,faults -count=1 -timeout 15m $(TESTFLAGS) -skip $(MATRIX) ./test/fault

cluster-test: ## all four, one after the other
	@bad=0; for t in engines journey teeth faults; do $(MAKE) --no-print-directory $$t || bad=1; done; exit $$bad

clean: ## everything built, tools included
	rm -rf bin
