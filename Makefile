# make demo   sets everything up on a bare Debian 12 (as root) and shows exod at work
# make test   the same set-up, then every deterministic test

PY := .venv/bin/python
CHECKED := exod exosdk exoctl plugins bench docs tests setup.py
SO := cpython-311-$(shell uname -m)-linux-gnu.so
EXTENSIONS := exod/sandbox/_spawn.$(SO) exosdk/ring/_ring.$(SO)
.PHONY: setup tools build demo dev deb reproducible image box test security threat-model test-vm test-image bench soak mutants lint format docs clean
.DEFAULT_GOAL := demo

setup:
	@packaging/setup.sh

exod/sandbox/_spawn.$(SO): $(wildcard exod/sandbox/_*.[ch]) setup.py | setup
exosdk/ring/_ring.$(SO): $(wildcard exosdk/ring/_*.[ch]) setup.py | setup
$(EXTENSIONS):
	@$(PY) setup.py --quiet build_ext --inplace --force

# Python writes no bytecode where the environment forbids it; without bytecode the daemon starts four times slower.
build: setup $(EXTENSIONS)
	@$(PY) -m compileall -q exod exosdk exoctl

demo: build
	@$(PY) -I -m tests.acceptance.demo

dev: build
	@.venv/bin/exod --dev $(or $(DIR),/tmp/exod-dev)

# SUITE=bookworm|trixie, KEY=DIR with the vendor's key, VERSION=: packaging/deb/build.sh says what each is.
deb: build
	@SUITE=$(SUITE) KEY=$(KEY) VERSION=$(VERSION) packaging/deb/build.sh

# Builds it twice and compares: only signatures may differ.
reproducible: build
	@$(PY) -m tests.packaging.reproducible $(or $(SUITE),bookworm)

# SUITE=, FORMAT=raw|qcow2, KERNEL=: packaging/image/build.sh says what each is. A box is for Vagrant.
image: deb
	@SUITE=$(SUITE) FORMAT=$(FORMAT) KERNEL=$(KERNEL) packaging/image/build.sh

box: deb
	@SUITE=$(SUITE) KERNEL=$(KERNEL) packaging/vagrant/box.sh

# What tests need beyond what exod does: a fuzzer, a model checker, another machine's compiler and emulator.
tools: setup
	@packaging/need.sh packaging/apt-test.txt

test: build tools
	@$(PY) -m tests

# Hostile plugins in real sandboxes; the second also writes docs/threat-model.md from what came of them.
security: build
	@$(PY) -m pytest -q tests/security/test_hostile_plugins.py

threat-model: build
	@$(PY) -m tests.security.hostile

# SUITE=bookworm|trixie, TESTS= what to run of tests/vm. Images and templates are kept in ~/.cache/exod/vm.
test-vm: deb
	@packaging/need.sh packaging/apt-vm.txt
	@$(PY) -m tests.vm $(or $(SUITE),bookworm) $(TESTS)

# The disk image started through its firmware, and the Vagrantfile read by Vagrant.
test-image: deb
	@packaging/need.sh packaging/apt-vm.txt packaging/image/apt.txt packaging/vagrant/apt.txt
	@$(PY) -m pytest -q -m vm --durations=5 --vm-suite=$(or $(SUITE),bookworm) \
		--vm-deb=$$(ls build/deb/$(or $(SUITE),bookworm)/*.deb) tests/vm/test_image.py tests/packaging/test_vagrant.py
	@grep '^image: ' build/vm/$(or $(SUITE),bookworm)/figures.txt | tail -n 3

# What only the bench runs on. Its time tells: nothing asks pip when the list is older.
.venv/bench: packaging/bench.lock | setup
	@.venv/bin/pip install --quiet --disable-pip-version-check --no-deps -r $< && touch $@

bench: build .venv/bench
	@$(PY) -I -m bench

soak: build tools
	@$(PY) -m tests.soak

mutants: build tools
	@$(PY) -m tests.mutants

# ruff, mypy, vulture and import-linter are tests there, so that the suite and this command cannot disagree.
lint: build
	@$(PY) -m pytest -q -n 2 tests/shape

format: build
	@$(PY) -m ruff check --fix $(CHECKED)
	@$(PY) -m ruff format $(CHECKED)

docs: build
	@$(PY) -m docs.generate >docs/dbus.md
	@$(PY) -m docs.tables
	@$(PY) -m docs.settings >etc/exod.toml

clean:
	rm -rf .venv build $(EXTENSIONS)
	find . -name __pycache__ -prune -exec rm -rf {} +
