# Every target sets up what it needs; later runs find the stamps and start at once.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PINS := constraints/dev.txt
INPUTS := pyproject.toml $(PINS) scripts/make-venv
ARGS ?=
COMPILED := otel_verein/instrumentation/drivers/_fastlane.c otel_verein/ledger/_skeleton.c

# pip says little enough to read and enough to see that it moves.
PIP := $(BIN)/python -m pip install --disable-pip-version-check --no-input -c $(PINS)
QUIETLY := | sed -u -n -E 's/^(Collecting [^ ]+|Building wheels? .*|Installing collected packages).*/  \1/p'

# The requirements of a group in pyproject.toml, for any version of pip; mysqlclient has a step of its own,
# because it needs a compiler and a library that pip cannot bring.
group = $(BIN)/dependency-groups $(1) | { grep -v '^mysqlclient' || true; } > $(VENV)/$(1).txt

.NOTPARALLEL:
.PHONY: help demo prove collector test lint types docs bench bench-agents bench-django bench-memory bench-page bench-parts bench-config bench-collector bench-store bench-answers quality soak clean test-programs

help:  ## list the targets
	@sed -n -E 's/^([a-z-]+):.*  ## (.*)/  make \1\t\2/p' Makefile | expand -t 24

demo: $(VENV)/.demo  ## run a real shop under otel-verein and report on it
	@$(BIN)/python examples/oscar_shop/demo.py $(ARGS)

prove: $(VENV)/.demo $(VENV)-ihatemoney/.installed  ## mend what the report finds in two real applications, and see what that saved
	@$(BIN)/python examples/oscar_shop/prove.py
	@$(VENV)-ihatemoney/bin/python examples/ihatemoney/prove.py

collector: $(VENV)/.venv  ## build the collector of collector-config/manifest.yaml, where `otel-verein collector` finds it
	@built=$$(scripts/build-collector) && ln -sfn "$$built" $(BIN)/otel-verein-collector
	@echo "$(BIN)/otel-verein-collector"

test: $(VENV)/.test test-programs $(VENV)/.compiled  ## run the tests, with real database servers where they can be installed
	@test -e $(VENV)/.mysqlclient || scripts/install-mysqlclient "$(BIN)/python" $(PINS) $(VENV)/.mysqlclient
	@$(BIN)/python -m pytest -n 3 --dist loadfile $(ARGS)

soak: $(VENV)/.test test-programs $(VENV)/.compiled  ## run the long form of the tests that have one
	@$(BIN)/python -m pytest -m soak $(ARGS)

lint: $(VENV)/.dev  ## check style, format and the layers of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache

types: $(VENV)/.test  ## check the types of the package
	@$(BIN)/mypy

docs: $(VENV)/.demo  ## write docs/reference and collector-config again from the code
	@$(BIN)/python scripts/generate_reference.py
	@$(BIN)/python scripts/render_collector_config.py

bench: $(VENV)/.bench $(VENV)/.compiled  ## measure what watching costs; ARGS="--rounds 15"
	@$(BIN)/python benchmarks/overhead.py $(ARGS)

bench-agents: $(VENV)/.bench $(VENV)/.compiled  ## measure other agents beside them, each installed apart
	@scripts/make-agent-venvs "$(PYTHON)" constraints/agents.txt $(VENV)-agents
	@$(BIN)/python benchmarks/overhead.py --agents $(VENV)-agents $(ARGS)

bench-django: $(VENV)/.bench $(VENV)/.services $(VENV)/.compiled  ## measure a Django page with PostgreSQL
	@$(BIN)/python benchmarks/django_page.py $(ARGS)

bench-memory: $(VENV)/.bench $(VENV)/.compiled  ## measure what watching takes in memory, up to a million operations
	@$(BIN)/python benchmarks/memory.py $(ARGS)

bench-page: $(VENV)/.venv  ## write docs/reference/overhead.md from the results of all of them
	@$(BIN)/python benchmarks/page.py $(ARGS)

bench-parts: $(VENV)/.demo $(VENV)/.compiled  ## measure what a new statement and a call site cost
	@$(BIN)/python benchmarks/fingerprints.py $(ARGS)
	@$(BIN)/python benchmarks/call_sites.py

bench-config: $(VENV)/.bench $(VENV)/.compiled  ## measure what following the configuration costs
	@$(BIN)/python benchmarks/config_watch.py $(ARGS)

bench-collector: $(VENV)/.test test-programs  ## measure what a span costs in each topology of the collector
	@$(BIN)/python benchmarks/collector.py $(ARGS)

bench-store: $(VENV)/.test $(VENV)/.compiled  ## measure what the store makes of twenty million spans, and takes for it
	@$(BIN)/python benchmarks/store.py $(ARGS)

bench-answers: $(VENV)/.test $(VENV)/.compiled  ## measure how fast a store of a million operations answers
	@$(BIN)/python benchmarks/answers.py $(ARGS)

quality: $(VENV)/.test $(VENV)/.services  ## measure how good the findings are, on labelled cases
	@$(BIN)/python scripts/measure_n_plus_one.py

clean:  ## remove the environment, caches and what the demo left
	rm -rf $(VENV) $(VENV)-agents $(VENV)-ihatemoney otel_verein.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist examples/oscar_shop/var
	find otel_verein -name "*.so" -delete
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.venv: scripts/make-venv
	@scripts/make-venv "$(PYTHON)" "$(VENV)"
	@touch $@

$(VENV)/.demo: $(VENV)/.venv $(INPUTS)
	@echo "installing the package and the shop (about a minute the first time) ..."
	@$(PIP) -e '.[demo]' dependency-groups $(QUIETLY)
	@touch $@

$(VENV)/.test: $(VENV)/.dev
	@echo "installing what the tests need ..."
	@$(call group,test)
	@$(PIP) -e '.[demo,store,clickhouse,serve,flask,fastapi,starlette,threading]' -r $(VENV)/test.txt $(QUIETLY)
	@touch $@

# Where the package was installed before there was a compiler, its compiled parts are made now.
$(VENV)/.compiled: $(VENV)/.demo setup.py $(COMPILED)
	@for source in $(COMPILED); do \
	  if [ "$$(ls -t "$$source" "$${source%.c}".*.so 2>/dev/null | head -n 1)" = "$$source" ]; then \
	    echo "compiling ..."; $(PIP) -q --no-deps -e .; break; \
	  fi; \
	done
	@touch $@

$(VENV)/.services: $(VENV)/.venv scripts/install-services
	@scripts/install-services || echo "note: without the servers their tests are skipped, each with its reason"
	@touch $@

# An application with versions of its own, so it has an environment of its own; pip before 24 does not find them.
$(VENV)-ihatemoney/.installed: examples/ihatemoney/requirements.txt pyproject.toml scripts/make-venv
	@scripts/make-venv "$(PYTHON)" "$(VENV)-ihatemoney"
	@echo "installing a second application (about a minute) ..."
	@$(VENV)-ihatemoney/bin/python -m pip install --disable-pip-version-check --no-input -q -U pip
	@$(VENV)-ihatemoney/bin/python -m pip install --no-input -q -e '.[report,flask,threading]' -r $<
	@touch $@

# What there is no package of is built or fetched once, and kept outside the checkout.
test-programs: $(VENV)/.services
	@for script in build-collector build-jaeger fetch-kafka; do \
	  built=$$(scripts/$$script) || echo "note: without it its tests are skipped, each with its reason"; \
	  if [ -n "$$built" ] && [ $$script = build-collector ]; then ln -sfn "$$built" $(BIN)/otel-verein-collector; fi; \
	done

$(VENV)/.dev: $(VENV)/.demo
	@echo "installing the linters ..."
	@$(call group,dev)
	@$(PIP) -r $(VENV)/dev.txt $(QUIETLY)
	@touch $@

$(VENV)/.bench: $(VENV)/.demo
	@echo "installing what the benchmark compares with ..."
	@$(call group,bench)
	@$(PIP) -r $(VENV)/bench.txt $(QUIETLY)
	@touch $@
