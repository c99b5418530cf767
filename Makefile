# The two commands of the README: `make demo` and `make test`. Everything lands in .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# One more than there are cores: some tests wait for processes, ports and locks.
JOBS   ?= $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) + 1 )))

.PHONY: setup setup-dev demo test test-long lint types pytest format clean

setup: $(VENV)/.setup
setup-dev: $(VENV)/.setup-dev

$(VENV)/.setup: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --editable .
	touch $@

$(VENV)/.setup-dev: $(VENV)/.setup
	$(BIN)/python -m pip install --disable-pip-version-check --editable '.[dev]'
	touch $@

demo: setup
	$(BIN)/edgebottle demo

# Types are checked while the tests run, which leave a core idle at both ends; either can fail.
test: lint
	@$(BIN)/mypy > $(VENV)/types.txt 2>&1 & types=$$!; \
	$(MAKE) --no-print-directory pytest; tests=$$?; \
	echo $(BIN)/mypy; wait $$types; types=$$?; cat $(VENV)/types.txt; \
	exit $$((tests ? tests : types))

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	git ls-files -- 'firmware/*.c' 'firmware/*.h' 'hil/*.c' 'hil/*.h' | xargs $(BIN)/clang-format --dry-run --Werror

types: setup-dev
	$(BIN)/mypy

# Rows that tell little beyond those of `make test`, and take as long again; before a release.
test-long: setup-dev
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m long

pytest: setup-dev
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

format: setup-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	git ls-files -- 'firmware/*.c' 'firmware/*.h' 'hil/*.c' 'hil/*.h' | xargs $(BIN)/clang-format -i

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
