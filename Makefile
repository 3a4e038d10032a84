# Every target sets up what it needs: the first one that runs makes .venv from requirements/locked.txt.
#   make demo | test | lint | coverage | bench | docs | site | wheel | installed | fleet | fleet-short | golden | golden-check | zoo | attack | fuzz-captures
#   make autobahn | clean
#   make test PYTHON=python3.12          another interpreter (3.11 to 3.14)
#   make test PYTEST_ARGS="-k utf8"      a part of the tests

PYTHON ?= python3
PYTHON27 ?= $(lastword python2.7 $(wildcard $(HOME)/.pyenv/versions/2.7*/bin/python))
AUTOBAHN := out/autobahn/bin/python
PYTEST_ARGS ?=
FLEET_ARGS ?=
GOLDEN_ARGS ?=
ATTACK_ARGS ?=
FUZZ_ARGS ?=
JOBS ?= 2
LOCK := requirements/locked.txt
BIN := .venv/bin
PIP_INSTALL := $(BIN)/python -m pip install -q -q --no-input --no-deps

export PIP_DISABLE_PIP_VERSION_CHECK := 1
ifneq ($(wildcard $(AUTOBAHN)),)
export WSORACLE_PYTHON27 ?= $(abspath $(AUTOBAHN))
endif

.DEFAULT_GOAL := test
.PHONY: autobahn fuzz-captures attack demo test lint coverage bench docs site wheel installed fleet fleet-short golden golden-check golden-fleet zoo setup clean
.NOTPARALLEL:

demo: setup
	@$(BIN)/python -m wsoracle demo --out out

test: lint .venv/.pyodide
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(PYTEST_ARGS)

lint: setup
	@$(BIN)/ruff check -q .
	@$(BIN)/ruff format -q --check .
	@$(BIN)/mypy --no-error-summary

coverage: setup
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal --cov --cov-report=term $(PYTEST_ARGS)

bench: setup
	@$(BIN)/python -m wsoracle bench

# The generated parts of docs/spec.md, and the documents as a site: out/docs/index.html
docs: setup .venv/.docs
	@$(BIN)/python -m wsoracle spec --write
	@$(BIN)/python -m sphinx -q -W -b html docs out/docs
	@echo "out/docs/index.html"

.venv/.docs: .venv/.locked requirements/docs.txt
	@$(PIP_INSTALL) -r requirements/docs.txt
	@touch $@

# The protocol as pages: open out/site/index.html; its decoder, which is there where npm is, needs a web server:
#   python3 -m http.server --directory out/site
site: .venv/.pyodide
	@if [ -e .venv/.pyodide ]; then with="--pyodide $(PYODIDE)"; fi; $(BIN)/python -m wsoracle site --out out/site $$with

# Python for browsers, for the decoder of the site and its tests: 14 MB, once for each environment.
PYODIDE := .venv/pyodide
.venv/.pyodide: .venv/.installed wsoracle/site/decoder/packing.py
	@version=$$(sed -n 's/^PYODIDE: Final = "\(.*\)"/\1/p' wsoracle/site/decoder/packing.py); mkdir -p $(PYODIDE); \
	if command -v npm > /dev/null && npm install --silent --no-save --ignore-scripts --no-audit --no-fund \
	  --prefix $(PYODIDE) "pyodide@$$version" > /dev/null; then touch $@; \
	else echo "npm cannot install pyodide here: the site has no decoder, and its tests are skipped" >&2; fi

# Autobahn|Testsuite, on a CPython 2.7 that PYTHON27 names: what `make test` and `make bench` compare with, where it is there.
# The last releases of virtualenv that make an environment for 2.7 are those before 20.22.
autobahn: $(AUTOBAHN)

$(AUTOBAHN): requirements/autobahn.txt
	@$(PYTHON) -m venv out/autobahn-virtualenv
	@out/autobahn-virtualenv/bin/pip install -q -q virtualenv==20.21.1
	@out/autobahn-virtualenv/bin/virtualenv -q -p $(PYTHON27) out/autobahn
	@out/autobahn/bin/pip install -q -q --no-deps -r requirements/autobahn.txt 2>&1 | grep -v DEPRECATION || true
	@$(AUTOBAHN) -c "import autobahntestsuite.wstest"

wheel: setup
	@rm -rf build dist
	@said=$$($(BIN)/python -m build --wheel --no-isolation --outdir dist . 2>&1) || { echo "$$said" >&2; exit 1; }
	@rm -rf build
	@ls dist/*.whl

# All implementations that can be installed without root, each a report below out/fleet; those of Debian: FLEET_ARGS=--apt
fleet: setup
	@$(BIN)/python -m wsoracle fleet --install --findings docs/findings.md --causes wsoracle/reports/data/fleet_causes.json $(FLEET_ARGS)

# Those that need only pip and npm, on some of the cases: for CI, where it shows that the harness works. Deviations are no
# failure of it, nor is what cannot be installed here; what does not start, does not end or loses cases is.
FLEET_SHORT := 2.* 3.* 4.* 5.* 7.* witness/5.*
fleet-short: setup
	@timeout 900 $(BIN)/python -m wsoracle fleet --install --missing-ok --kind pip,npm --jobs $(JOBS) --limit 120 \
	  --out out/fleet-short $(foreach cases,$(FLEET_SHORT),--select '$(cases)')

# What users can see, held fixed: `make golden` takes it down, `make golden-check` compares.
# A part of it: GOLDEN_ARGS="--only judge/ --only help"
golden: setup
	@$(BIN)/python -m tests.golden make $(GOLDEN_ARGS)

golden-check: setup
	@$(BIN)/python -m tests.golden check $(GOLDEN_ARGS)

# Peers and files that try to cost more than their bound, one at a time (some ten minutes): CPU time and memory of each.
attack: setup
	@$(BIN)/python -m tests.attacks $(ATTACK_ARGS)

# Damaged captures of every format: none may end a reader with an exception (some ten minutes for a million files).
fuzz-captures: setup
	@$(BIN)/python -m tests.properties.traces.mutated_files $(FUZZ_ARGS)

# The records of real implementations that both judge anew.
golden-fleet: setup
	@$(BIN)/python -m wsoracle fleet --install --missing-ok --kind pip,npm --jobs $(JOBS) --limit 120 \
	  --out out/golden-fleet $(foreach cases,$(FLEET_SHORT),--select '$(cases)')

# Small faulty endpoints: all cases one at a time, 16 at a time and beside busy processes; a part: ZOO_ARGS=Close
zoo: setup
	@$(BIN)/python -m tests.zoo $(ZOO_ARGS)

setup: .venv/.installed

# Two steps, so that a change of pyproject.toml does not install everything anew.
.venv/.locked: $(LOCK)
	@command -v $(PYTHON) > /dev/null || { \
	  echo "error: no $(PYTHON) here; install Python 3.11 to 3.14, or name one: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' || { \
	  echo "error: $(PYTHON) is $$($(PYTHON) -V 2>&1), and wsoracle needs Python 3.11 to 3.14: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@echo "setting up .venv with $$($(PYTHON) -V) from $(LOCK) (about a minute)"
	@$(PYTHON) -m venv --clear .venv || { \
	  echo "error: $(PYTHON) -m venv failed; some systems package it apart (python3-venv)" >&2; exit 1; }
	@$(PIP_INSTALL) -r $(LOCK)
	@$(BIN)/python -m pip -q -q check
	@touch $@

.venv/.installed: .venv/.locked pyproject.toml
	@# An sdist has no links; type checkers and editors need them.
	@for room in model properties generators; do [ -e wsoracle/$$room ] || ln -s ../$$room wsoracle/$$room; done
	@$(PIP_INSTALL) --no-build-isolation -e .
	@touch $@

# The wheel in environments of its own, each command called: PYTHONS="python3.12 python3.13", EXTRA=all for a whole install.
PYTHONS ?= $(PYTHON)
EXTRA ?=
installed: setup
	@$(BIN)/python -m tests.installed --extra '$(EXTRA)' $(foreach one,$(PYTHONS),--python $(one)) \
	  $(if $(wildcard $(PYODIDE)/node_modules),--pyodide $(PYODIDE))

clean:
	rm -rf .venv build dist out *.egg-info .coverage .coverage.* htmlcov .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
