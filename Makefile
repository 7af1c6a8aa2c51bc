# The developer's interface. `make demo` and `make test` install what they need by themselves.

VENV    := .venv
PYTHON  := $(VENV)/bin/python
PACKAGES := kamailio kamailio-python3-modules postgresql postgresql-client sip-tester tshark python3-venv
SUDO    := $(if $(filter 0,$(shell id -u)),,sudo)

.PHONY: help setup packages demo run test lint bench clean

help:  ## what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## */\t/' | expand -t 12

setup: packages $(VENV)/.installed  ## install what is missing: Debian packages and the virtual environment

packages:
	@missing=$$(for p in $(PACKAGES); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'install ok installed' || echo $$p; done); \
	if [ -n "$$missing" ]; then \
	  echo "installing Debian packages:" $$missing; \
	  $(SUDO) sh tools/install-packages $$missing; \
	fi

# The distribution's python3, because Kamailio embeds the distribution's libpython.
$(VENV)/.installed: pyproject.toml requirements/development.txt requirements/phones.txt
	/usr/bin/python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -e . -r requirements/development.txt
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps -r requirements/phones.txt
	@touch $@

demo: setup  ## place a call from a customer to an agent's phone and show its T-Library events
	$(PYTHON) -m demo

run: setup  ## start the demo's site and keep it up until Ctrl-C
	$(PYTHON) -m demo --stay

test: setup  ## run all tests
	$(PYTHON) -m pytest

lint: setup  ## ruff, mypy --strict on the product, and Kamailio's own check of its configuration
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(PYTHON) -m tests.kit.kamailio

bench: setup  ## measure against a plain Kamailio; writes docs/performance.md
	$(PYTHON) -m tests.bench.calls --write docs/performance.md

clean:  ## remove what setup, demo and tests made
	rm -rf $(VENV) .run .pytest_cache .mypy_cache .ruff_cache
