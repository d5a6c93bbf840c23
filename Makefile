# Lockstep. `make help` lists what there is.
SHELL := /bin/bash
MODULES := . standalone
TOOL := go tool -modfile=$(CURDIR)/tools.mod
TEST := go test -shuffle=on -timeout 15m

.PHONY: help run test check lint vet fmt tidy peers race replay conformance fuzz soak mutants corpus bench bench-peer bench-fleet generate

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## run everything in one process, with the rehearsal organisation
	go run -C standalone .

test: ## run all tests of both modules
	$(TEST) ./...
	cd standalone && $(TEST) -parallel 4 ./... # these wait for servers and deadlines far more than they compute

check: fmt vet tidy lint ## format, vet, tidy, lint, determinism of workflows

fmt: ## fail on files that gofmt would change
	@out=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); [ -z "$$out" ] || { echo "not formatted:"; echo "$$out"; exit 1; }

vet: ## go vet in both modules
	@set -e; for m in $(MODULES); do (cd $$m && go vet ./...); done

tidy: ## fail if go.mod or go.sum is not tidy
	@set -e; for m in $(MODULES); do (cd $$m && go mod tidy -diff); done

lint: ## golangci-lint and workflowcheck
	@set -e; for m in $(MODULES); do (cd $$m && $(TOOL) golangci-lint run --config $(CURDIR)/.golangci.yml ./...); done
	$(TOOL) workflowcheck -config workflows/workflowcheck.yaml ./workflows/...

generate: ## regenerate mocks and tables
	go generate ./...

peers: ## install the real servers that tests use (Debian packages, needs root)
	internal/peer/install

race: ## all tests under the race detector
	@set -e; for m in $(MODULES); do (cd $$m && go test -race -shuffle=on -count=1 -timeout 30m ./...); done

replay: ## replay the recorded workflow histories
	go test -run Replay ./workflows/...

conformance: ## the laws of stores and connectors, on every backend
	go test ./store/... ./connector/...

fuzz: ## each fuzz target for 30 seconds
	@set -e; for p in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
	  for f in $$(grep -h -o '^func Fuzz[A-Za-z]*' $$p/*_test.go | cut -c6-); do \
	    echo "== $$p $$f"; go test -run '^$$' -fuzz "^$$f\$$" -fuzztime 30s $$p; done; done

soak: ## random histories for MINUTES (20) on all cores; goes on where the last soak ended, stops at the first that goes wrong
	LOCKSTEP_SOAK=$(or $(MINUTES),20)m LOCKSTEP_SOAK_STATE=$(CURDIR)/.soak.json LOCKSTEP_LIVES="$(LIVES)" \
	nice -n 15 go test -count=1 -timeout 0 -run '^TestSoak$$' -v ./activities

mutants: ## take one rule after the other out of the program; a test must fail each time (ONLY=part of a name)
	nice -n 15 go run ./internal/mutants $(ONLY)

corpus: ## read, edit and re-read every file of a folder: make corpus DIR=...
	@go run ./vobject/corpus $(DIR)

bench: ## benchmarks of vobject, plan and store
	go test -run '^$$' -bench . -benchmem ./vobject/... ./plan/... ./store/...

bench-peer: ## Lockstep, vdirsyncer and a bare client on one Cyrus, in one run
	go test -C standalone -run '^$$' -bench BenchmarkPeer -benchtime 1x -timeout 60m -v ./bench

bench-fleet: ## thousands of mailboxes on the embedded engine
	go test -C standalone -run '^$$' -bench BenchmarkFleet -benchtime 1x -timeout 60m -v ./bench
