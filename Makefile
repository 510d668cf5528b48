# make app     the app in your browser          make test        checks and tests
# make lock    pin the requirements anew        make test-slow   the tests over 30 s
# make coverage   the branches of cxr_core that make test does not reach
# make sbom    sbom.json: what is installed     make licences    under which licences, all permissive
#
# Another Python: make app PYTHON=python3.12    More flags: make app ARGS="--server.port 8502"

PYTHON ?= python3
UV ?= uv
ARGS ?=
LOCK ?= requirements.lock

VENV := .venv
IN_VENV := $(VENV)/bin/python
CREATED := $(VENV)/.created
APP := $(VENV)/.installed-app
DEV := $(VENV)/.installed-dev
# A worker a core; what is costly to make is made by one of them (tests/conftest.py).
PYTEST := $(IN_VENV) -m pytest -n auto --dist loadgroup --no-loadscope-reorder
PIP_INSTALL := $(IN_VENV) -m pip install --disable-pip-version-check --require-hashes
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --annotation-style line \
	--generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
SBOM := $(IN_VENV) -W ignore::UserWarning -m cyclonedx_py requirements --pyproject pyproject.toml \
	--mc-type application --output-reproducible --output-format JSON --spec-version 1.6 --validate

.PHONY: help app install test check test-slow coverage format lock sbom licences
.DELETE_ON_ERROR:

help:
	@sed -n '1,6s/^#[ ]\{0,1\}//p' Makefile

app: $(APP)
	$(IN_VENV) -m streamlit run serve.py $(ARGS)

install: $(DEV)

test: check
	$(PYTEST) -m "not slow" $(ARGS)

check: $(DEV)
	$(IN_VENV) -m ruff check .
	$(IN_VENV) -m ruff format --check .
	$(IN_VENV) -m mypy
	$(VENV)/bin/lint-imports

# pytest ends with 5 when it finds no test, which is no failure here.
test-slow: $(DEV)
	$(PYTEST) -m slow $(ARGS) || [ $$? -eq 5 ]

# What runs in another process (a server, a stopped run) is not counted.
coverage: $(DEV)
	$(PYTEST) -m "not slow" --cov --cov-report=term-missing:skip-covered $(ARGS)

format: $(DEV)
	$(IN_VENV) -m ruff check --fix .
	$(IN_VENV) -m ruff format .

# CycloneDX, of all that `make app` installs, each file with its hash; checked against its schema.
# The tool warns that a list of requirements has no graph of who needs what.
sbom: $(DEV)
	$(SBOM) --output-file sbom.json $(LOCK)

licences: $(DEV)
	$(IN_VENV) -m bench.licences $(filter-out requirements-dev.lock,$(wildcard requirements*.lock))

# The pins that already stand are kept where they still fit; make lock ARGS=--upgrade renews them.
lock:
	@command -v $(UV) >/dev/null || { echo "make lock needs uv: pip install uv"; exit 1; }
	$(COMPILE) $(ARGS) -o requirements.lock requirements.txt
	$(COMPILE) $(ARGS) -c requirements.lock -o requirements-auth.lock requirements-auth.txt
	$(COMPILE) $(ARGS) -c requirements.lock -o requirements-node.lock requirements-node.txt
	$(COMPILE) $(ARGS) -c requirements.lock -o requirements-cluster.lock requirements-cluster.txt
	$(COMPILE) $(ARGS) -c requirements.lock -o requirements-dev.lock requirements-dev.txt

# Each stamp is written last, so that an interrupted step is done again.
$(CREATED):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "This project needs Python 3.11 or newer; $(PYTHON) is" \
		"$$($(PYTHON) --version 2>/dev/null || echo not there). Name another:" \
		"make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(APP): requirements.lock $(CREATED)
	$(PIP_INSTALL) -r requirements.lock
	@touch $@

$(DEV): requirements-dev.lock $(CREATED)
	$(PIP_INSTALL) -r requirements-dev.lock
	@touch $@ $(APP)
