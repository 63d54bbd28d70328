# AliExpress Channel. `make` lists what there is to type.
.DEFAULT_GOAL := help
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory

# Bytecode is kept, in .venv and not beside the sources, also where the caller's shell says to write
# none: without it every Python process compiles all it imports, which is half of what a start costs.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(CURDIR)/.venv/bytecode

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
MEMBERS := $(wildcard libs/*/pyproject.toml services/*/pyproject.toml cli/pyproject.toml demo/pyproject.toml sandbox/pyproject.toml stack/pyproject.toml)
CODE := schemas docs deploy libs services cli demo sandbox stack lint tests bench examples conftest.py
WORKERS ?= 4
# Tests run in an order drawn from the tree that is tested: every commit in another, the same commit
# always in the same, so that what CI runs is what ran before. SEED=n draws another.
SEED ?= $(shell printf '%d' 0x$$(git rev-parse --short=7 'HEAD^{tree}' 2>/dev/null || echo 0))
FUZZED := libs/aliexpress/tests/test_aliexpress_wire.py libs/aliexpress/tests/test_aliexpress_answers.py \
	libs/common/tests/test_common_envelope.py libs/common/tests/test_common_pagination.py \
	services/auth-service/tests/slices/test_auth_token_life.py \
	services/catalog-service/tests/rules services/order-importer/tests/rules \
	sandbox/tests/test_sandbox_fuzz.py

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
	@for file in bench/*.py; do [ -e "$$file" ] && printf '  make bench-%s\n' "$$(basename "$$file" .py)"; done; true

# ---- to use it

.PHONY: run
run: prepare ## start all and sell a sample; ONCE=1, CATALOG=file, FEED=feed.yaml, REPORT=out.json
	@$(BIN)/python -m channel_demo

.PHONY: up
up: prepare ## start all and keep it running, nothing sold
	@$(BIN)/channel up

.PHONY: observe
observe: $(READY) ## alerts and dashboards of the running stack, by this machine's Prometheus
	@$(BIN)/python -m deploy.observability.observe

.PHONY: screenshots
screenshots: $(READY) ## pictures of the dashboards for docs/observability.md, of a system that has just sold the sample
	@$(BIN)/python -m deploy.observability.screenshots

.PHONY: mail-pictures
mail-pictures: $(READY) ## pictures of mails for docs/alerts.md
	@$(BIN)/python docs/render_mails.py
	@$(BIN)/python docs/generate_alerts.py

.PHONY: wipe
wipe: $(READY) ## forget all local state, Postgres's and Kafka's together
	@$(BIN)/python -m stack wipe

# ---- to build it

.PHONY: bootstrap
bootstrap: $(READY) ## make .venv with the locked packages (done by itself)

$(READY): requirements.txt pyproject.toml stack/bootstrap.sh $(MEMBERS)
	@stack/bootstrap.sh

.PHONY: prepare
prepare: $(READY)
	@$(BIN)/python -m stack prepare

.PHONY: test
test: check prepare ## make check, then every test on real Kafka and Postgres
	$(BIN)/pytest -q -n $(WORKERS) --randomly-seed=$(SEED) --durations=25

.PHONY: test-one
test-one: prepare ## one test, file or folder: TEST=services/order-importer, TEST=file.py::name
	@[ -n "$(TEST)" ] || { echo "say which: make test-one TEST=sandbox/tests/test_sandbox_oauth.py"; exit 2; }
	$(BIN)/pytest -q $(TEST)

.PHONY: watch
watch: prepare ## a member's tests again after every change of it or of a library: MEMBER=sandbox
	@[ -d "$(MEMBER)/tests" ] || { echo "say whose: make watch MEMBER=services/order-importer"; exit 2; }
	$(BIN)/watchfiles --filter python --sigint-timeout 60 '$(BIN)/pytest -q -x $(MEMBER)' $(sort $(MEMBER) libs)

.PHONY: check
check: $(READY) ## lint, format, types, import rules, house rules, contracts, docs, manifests
	@$(MAKE) -k -j3 --output-sync=target check-types check-collection check-rules check-contracts check-drift check-manifests check-docs check-imports check-dependencies check-style check-supply

.PHONY: check-style check-collection check-types check-imports check-dependencies check-rules check-drift check-contracts check-docs check-manifests check-supply
check-style: $(READY)
	@$(BIN)/ruff check -q .
	@$(BIN)/ruff format -q --check . || { echo "format: type \`make format\`"; exit 1; }
	@echo "style: ok"
check-types: $(READY)
	@$(BIN)/mypy -n 2 $(wildcard $(CODE)) --exclude '^(libs|services|sandbox)/.*/conftest\.py$$'
	@for file in $$(git ls-files 'libs/*/conftest.py' 'services/*/conftest.py' 'sandbox/*/conftest.py'); do $(BIN)/mypy --no-error-summary $$file || exit 1; done
# Every test can be imported; and its bytecode is there before several workers ask for it at once.
check-collection: $(READY)
	@found=$$($(BIN)/pytest -qq --collect-only 2>&1) || { echo "$$found" | tail -n 60; exit 1; }
check-imports: $(READY)
	@$(BIN)/lint-imports --no-logo
check-dependencies: $(READY)
	@$(BIN)/python -m lint.dependencies
check-rules: $(READY)
	@$(BIN)/python -m lint.rules
	@$(BIN)/python -m lint.stores
check-drift: $(READY)
	@$(BIN)/python -m lint.drift
	@$(BIN)/python -m lint.migrations
check-contracts: $(READY)
	@$(BIN)/python -m schemas.generate --check
check-docs: $(READY)
	@$(BIN)/python docs/generate_errors.py --check
	@$(BIN)/python docs/generate_metrics.py --check
	@$(BIN)/python docs/generate_alerts.py --check
	@$(BIN)/python -m deploy.observability.generate --check
	@$(BIN)/python sandbox/build/generate_readme.py --check
	@$(BIN)/python -m lint.texts --check
check-manifests: $(READY)
	@$(BIN)/python -m lint.manifests
	@$(BIN)/python -m deploy.strimzi --check
check-supply: $(READY)
	@$(BIN)/python -m lint.sbom --check

.PHONY: format
format: $(READY) ## format all code and fix what ruff can
	@$(BIN)/ruff check -q --fix-only .
	@$(BIN)/ruff format -q .

.PHONY: lock
lock: $(READY) ## lock what the members ask for, with hashes, in requirements.txt
	@$(BIN)/uv lock -q
	@$(BIN)/uv export -q --format requirements-txt --no-emit-workspace --all-packages --all-groups \
		--no-header -o requirements.txt
	@$(MAKE) sbom

.PHONY: sbom
sbom: $(READY) ## write deploy/sbom/ (what each image holds, CycloneDX) and docs/licences.md
	@$(BIN)/python -m lint.sbom

.PHONY: audit
audit: $(READY) ## look up known vulnerabilities of the locked packages, where a database is reached
	@$(BIN)/python -m lint.audit

.PHONY: contracts
contracts: $(READY) ## generate schemas/ from the code
	@$(BIN)/python -m schemas.generate

.PHONY: texts
texts: $(READY) ## bring the console's texts in all languages in step with code and templates
	@$(BIN)/python -m lint.texts

.PHONY: docs
docs: $(READY) ## generate what code knows: docs/aliexpress-errors.md, metrics, alerts, rules, dashboards, ...
	@$(BIN)/python docs/generate_errors.py
	@$(BIN)/python docs/generate_metrics.py
	@$(BIN)/python docs/generate_alerts.py
	@$(BIN)/python -m deploy.observability.generate
	@$(BIN)/python -m deploy.strimzi
	@$(BIN)/python sandbox/build/generate_readme.py

# ---- to stress it: what `make test` does in a short form, at length

.PHONY: storm
storm: prepare ## 200,000 events under 280 faults
	$(BIN)/pytest -q --length=long --timeout=0 tests/storms

.PHONY: outages
outages: prepare ## 60 outages of Kafka of 1 to 60 s under load
	$(BIN)/pytest -q --length=long --timeout=0 libs/common/tests/test_common_kafka_outages.py \
		libs/common/tests/test_common_kafka_outage.py

.PHONY: test-browser
test-browser: prepare ## the whole journey on a phone, in French, by keyboard; every page held against WCAG 2.2; apt-get install chromium
	$(BIN)/pytest -q --length=long tests/stories/console services/console/tests/browser

.PHONY: console-pictures
console-pictures: prepare ## pictures of every page of the console, and of the walk of docs/first-shop.md; apt-get install chromium
	CONSOLE_PICTURES=docs/console FIRST_SHOP_PICTURES=docs/first-shop $(BIN)/pytest -q --length=long \
		tests/stories/console/test_in_chromium.py tests/stories/console/test_in_a_browser.py::test_a_new_shop_sells_what_its_file_holds

.PHONY: histories
histories: prepare ## 200 rounds of anything that can happen to 300 products; the shop must follow
	$(BIN)/pytest -q --length=long --timeout=0 tests/histories

.PHONY: month
month: prepare ## a month of 5,000 orders with 16 importers racing; database and AliExpress one to one
	$(BIN)/pytest -q --length=long --timeout=0 services/order-importer/tests/slices/test_orders_month.py

.PHONY: failpoints
failpoints: prepare ## a SIGKILL at every failpoint, one at a time
	$(BIN)/pytest -q --length=long --durations=25 tests/stories/crashes

.PHONY: ship-storm
ship-storm: prepare ## 1,000 requests to ship, under lost answers, cancellations and 30 kills
	$(BIN)/pytest -q --length=long --timeout=0 tests/stories/ship_requests

.PHONY: lapsed
lapsed: prepare ## three days without a token: 20,000 changes and 300 requests to ship wait for it
	$(BIN)/pytest -q --length=long --timeout=0 tests/stories/tokens/test_lapsed_for_days.py

.PHONY: faults
faults: prepare ## every fault of the marketplace against every call, with fourteen products
	$(BIN)/pytest -q --length=long --timeout=0 --durations=25 tests/stories/faults

.PHONY: ninety-days
ninety-days: prepare ## 90 days of 50 shops' troubles, mails and webhooks, two replicas, 20 kills
	$(BIN)/pytest -q --length=long --timeout=0 tests/stories/alerts_people

.PHONY: manifests
manifests: prepare ## render and check every component for Kubernetes alone, too
	$(BIN)/pytest -q --length=long lint/test_kustomize.py

.PHONY: alerts
alerts: prepare ## raise alerts by their faults and end them; writes the table of docs/operations.md
	$(BIN)/pytest -q --length=long --timeout=0 -p no:randomly tests/stories/alerts

.PHONY: side-by-side
side-by-side: prepare ## the services of an earlier commit (OLD=) beside these, on their tables
	$(BIN)/pytest -q --length=long --timeout=0 tests/releases

.PHONY: fuzz
fuzz: prepare ## 5,000 odd requests to each service; readers and decoders, 1,000 examples a rule
	$(BIN)/pytest -q --length=long --timeout=0 tests/fuzz $(FUZZED)

.PHONY: risks
risks: prepare ## the tests of every security risk; writes docs/security-rows.md
	@$(BIN)/python -m tests.risks

.PHONY: mutants
mutants: prepare ## apply known mistakes to the code, one at a time; their tests must fail
	$(BIN)/python -m tests.mutants

.PHONY: bench bench-quick
bench: prepare ## every ratio beside its ceiling, as one table (up to 30 minutes); ONLY=backbone,...
	@$(BIN)/python -m bench.table
bench-quick: prepare ## the same, small (3 minutes), to see a regression; nothing is kept
	@$(BIN)/python -m bench.table quick

.PHONY: soak
soak: prepare ## two hours of changes and orders; what each process and database holds, each minute
	$(BIN)/python -m bench.soak

bench-%: prepare
	$(BIN)/python -m bench.$*
