# Every target does its own set-up. Needed on the machine: Python 3.11 or newer, make, and the package registries.
WINDOWS := $(filter Windows_NT,$(OS))
PYTHON ?= $(if $(WINDOWS),python,python3)
BIN := $(if $(WINDOWS),.venv/Scripts,.venv/bin)
VENV_PYTHON := $(BIN)/python$(if $(WINDOWS),.exe)
STAMP := .venv/.installed
WEB_SOURCES := $(shell find web -path web/node_modules -prune -o -type f -print 2>/dev/null)
TEST_ARGS ?=
TEST_WORKERS ?= 2
TRANSPARENCY_ARGS ?=
FAULTS_ARGS ?=
BENCH_ARGS ?=
MINUTES ?= 10
CIBUILDWHEEL := cibuildwheel==4.3.5
# 1: a warning of the C compiler fails `make setup`. 0: it does not.
export TENURE_DEV ?= 1
C_SOURCES := $(shell find tracer/native server/native -name '*.[ch]' 2>/dev/null)

.PHONY: help setup demo test interop check bench fuzz transparency faults sanitize wheels wheels-all constraints clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## create .venv with the tracer, the server and the dashboard built

demo: $(STAMP)  ## start the collector and a small shop under `tenure run`; open the printed URL, Ctrl-C ends both
	@$(BIN)/python examples/demo.py

test: $(STAMP) tests/web/node_modules/.installed  ## run every test, the browser's included  [TEST_ARGS="-k word"] [TEST_WORKERS=2]
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadfile $(TEST_ARGS)
	TENURE_PROBE=python $(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadfile tests/tracer $(TEST_ARGS) || [ $$? -eq 5 ]  # 5: no test has the word
	$(BIN)/python scripts/node.py npm --prefix web run test

interop: $(STAMP) .venv-interop/.installed .venv-ways/.installed tests/interop/otel/javascript/node_modules/.installed  ## record each way of starting Python (docs/running.md), notebooks, a frozen program, arq, mcp 1, sanic and daphne; exchange spans with rotel, mlflow and OpenTelemetry's JavaScript SDK  [TEST_ARGS="-k word"]
	TENURE_INTEROP_PYTHON=$(CURDIR)/.venv-interop/bin/python TENURE_WAYS_PYTHON=$(CURDIR)/.venv-ways/bin/python $(BIN)/python -m pytest -m interop tests/interop $(TEST_ARGS)

.venv-interop/.installed: Makefile
	$(PYTHON) -m venv .venv-interop
	.venv-interop/bin/python -m pip install --quiet --disable-pip-version-check mlflow==3.17.2 rotel==0.0.1a15 \
		opentelemetry-instrumentation-aiohttp-server==0.66b1 opentelemetry-exporter-otlp-proto-http msgspec \
		ipykernel==7.4.0 nbclient==0.11.0 pyinstaller==6.22.3 arq==0.28.0 mcp==1.30.0 sanic==25.12.1 daphne==4.2.3
	@touch $@

.venv-ways/.installed: Makefile tests/interop/ways/requirements.txt $(STAMP)  # apart: mlflow wants older versions
	$(PYTHON) -m venv .venv-ways
	.venv-ways/bin/python -m pip install --quiet --disable-pip-version-check -r tests/interop/ways/requirements.txt -e tracer
	@touch $@

tests/interop/otel/javascript/node_modules/.installed: $(addprefix tests/interop/otel/javascript/,package.json package-lock.json) $(STAMP)
	$(BIN)/python scripts/node.py npm --prefix tests/interop/otel/javascript ci --no-audit --no-fund --loglevel=error
	@touch $@

check: $(STAMP)  ## lint, types, import rules: ruff, mypy, import-linter, Biome, tsc
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/node.py npm --prefix web run check

bench: $(STAMP)  ## measure overhead, throughput and time to paint beside the stored baseline  [BENCH_ARGS="overhead ingest --json FILE --save"]
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

fuzz: $(STAMP) tests/web/node_modules/.installed  ## run every property test with ever new random input, for so many minutes  [MINUTES=10]
	$(BIN)/python -m scripts.fuzz $(MINUTES)

transparency: $(STAMP)  ## run CPython's and libraries' own suites as they are and recorded, and compare test by test (takes half an hour)  [TRANSPARENCY_ARGS="--python PATH --suite test_with"]
	$(BIN)/python -m tests.qualification.transparency $(TRANSPARENCY_ARGS)

faults: $(STAMP)  ## kill, starve and cut off program and collector in thirty ways and count what is lost (takes ten minutes)  [FAULTS_ARGS="--probe native --short"]
	$(BIN)/python -m tests.qualification.faults $(FAULTS_ARGS)

wheels: $(STAMP)  ## build both wheels for this Python into dist/; without a compiler they are pure  [TENURE_NATIVE=none|require]
	rm -rf tracer/build
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist ./tracer ./server
	@ls dist

wheels-all: $(STAMP)  ## build the wheels of every Python for this system, by cibuildwheel (on Linux it needs containers)
	rm -rf dist tracer/build
	$(BIN)/uv build --quiet --sdist --out-dir dist tracer
	$(BIN)/uv build --quiet --sdist --out-dir dist server
	for source in dist/*.tar.gz; do $(BIN)/uv tool run $(CIBUILDWHEEL) --output-dir dist $$source || exit 1; done

sanitize: $(STAMP)  ## run the native probe's tests with the address and undefined-behaviour sanitizers (needs gcc)  [TEST_ARGS="-k word"]
	$(BIN)/python scripts/sanitize.py $(TEST_ARGS)

constraints: $(STAMP)  ## pin the newest dependencies anew into constraints.txt
	TENURE_SKIP_WEB=1 $(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --quiet \
		--no-emit-index-url --no-header --no-annotate --no-emit-package tenure --no-emit-package tenure-server \
		--group dev requirements.in -o constraints.txt

clean:  ## remove what set-up made
	rm -rf .venv .venv-interop .venv-ways web/node_modules tests/web/node_modules tests/interop/otel/javascript/node_modules server/tenure_server/static dist

$(VENV_PYTHON):
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Tenure needs Python 3.11 or newer; set PYTHON=python3.12, say")'
	$(PYTHON) -m venv .venv

$(STAMP): $(VENV_PYTHON) constraints.txt pyproject.toml tracer/pyproject.toml tracer/setup.py tracer/tenure.pth server/pyproject.toml server/hatch_build.py $(C_SOURCES) $(WEB_SOURCES)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade -c constraints.txt pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --group dev -e tracer -e server
	@touch $@

tests/web/node_modules/.installed: tests/web/package.json tests/web/package-lock.json $(STAMP)
	$(BIN)/python scripts/node.py npm --prefix tests/web ci --no-audit --no-fund --loglevel=error
	@touch $@
