# The study's commands; each sets up what it needs. `make` alone lists them.
# Assumed: make, git and Python 3.11 to 3.13 (TensorFlow has no build for later ones yet).

.DEFAULT_GOAL := help
UV_VERSION := 0.13.9
INSTALLED := $(shell cat .venv/extras 2>/dev/null)
EXTRAS ?= $(INSTALLED)
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
# Plugins that no test uses take seconds to load, in every process.
PARALLEL := -n auto --dist loadscope --no-loadscope-reorder -p no:schemathesis
export TF_CPP_MIN_LOG_LEVEL := 3
export PYTHONWARNINGS := ignore::DeprecationWarning
unexport PYTHONDONTWRITEBYTECODE # where it is set, each of some hundred processes compiles 2,000 modules anew

# The value of a variable as it was typed after `make`, with its dollar signs; nothing for one of the environment.
typed = $(if $(filter command,$(firstword $(origin $(1)))),$(value $(1)))

.PHONY: always help quick study test reproduce notebooks paper lab app lint clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

ifneq ($(EXTRAS),$(INSTALLED))
.venv/ready: always
endif
.venv/ready: pyproject.toml uv.lock
	@test -n "$(PYTHON)" || { echo "No Python from 3.11 to 3.13 was found; install one, or name it: make PYTHON=/path/to/python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@echo "Installing what uv.lock says into .venv"
	@$(BIN)/uv sync --locked --quiet $(EXTRAS)
	@echo "$(EXTRAS)" > .venv/extras
	@touch $@

quick: .venv/ready ## the whole study on a reduced grid, into build/quick (minutes)
	@$(BIN)/doit profile=quick study

study: export STUDY_FILE := $(call typed,FILE)
study: export STUDY_LABEL := $(call typed,LABEL)
study: export STUDY_TIME := $(call typed,TIME)
study: export STUDY_AMOUNT := $(call typed,AMOUNT)
study: export STUDY_GROUP := $(call typed,GROUP)
study: export STUDY_POSITIVE := $(call typed,POSITIVE)
study: export STUDY_NAME := $(call typed,NAME)
study: export STUDY_PROFILE := $(or $(call typed,PROFILE),quick)
study: .venv/ready ## the study of a table of your own: make study FILE=claims.csv LABEL=is_fraud (TIME, AMOUNT, GROUP, POSITIVE, NAME, PROFILE=full)
	@name=$$($(BIN)/python -m utils.new_study "$$STUDY_FILE" --label="$$STUDY_LABEL" --time="$$STUDY_TIME" \
		--amount="$$STUDY_AMOUNT" --group="$$STUDY_GROUP" --positive="$$STUDY_POSITIVE" --name="$$STUDY_NAME" \
		--profile="$$STUDY_PROFILE") && \
		{ [ "$$STUDY_PROFILE" = quick ] || $(BIN)/python -c "import ctgan" 2>/dev/null \
		|| { echo "Installing CTGAN, which the full profile compares" \
		&& $(BIN)/uv sync --locked --quiet --inexact --group ctgan $(EXTRAS); }; } && \
		$(BIN)/doit profile="$$STUDY_PROFILE" study="$$name" study

# There from the start of `make reproduce` to its end, so that the next call goes on.
REPRODUCING := data/results/.reproducing

reproduce: .venv/ready ## the whole study from an empty ledger (the old one is kept as .bak; test.jsonl stays), or on from an interruption
	@$(BIN)/python -c "import ctgan, arfpy, copulas" 2>/dev/null || $(BIN)/uv sync --locked --quiet --inexact --group peers $(EXTRAS)
	@[ -e $(REPRODUCING) ] || { for f in data/results/*.jsonl data/results/out_of_fold data/results/sensitivity data/results/generators data/results/original data/results/synthetic data/results/scarcity data/results/seeds data/results/tables; do [ ! -e "$$f" ] || [ "$$f" = data/results/test.jsonl ] || { rm -rf "$$f.bak"; mv "$$f" "$$f.bak"; }; done; touch $(REPRODUCING); }
	@$(BIN)/doit profile=full study && rm -f $(REPRODUCING)

notebooks: .venv/ready ## run the notebooks that are out of date against the committed ledger
	@$(BIN)/doit profile=full notebooks

paper: .venv/ready ## typeset paper/paper.pdf from the committed numbers and figures
	@$(BIN)/python -m paper.build

test: .venv/ready ## all tests: helpers, contracts, notebooks, app, paper
	@$(BIN)/pytest $(PARALLEL) -p no:nbval
	@rm -rf build/nbval/results && mkdir -p build/nbval && cp -r data/results build/nbval
	@env -u MLFLOW_TRACKING_URI STUDY_OUTPUT="$(CURDIR)/build/nbval" STUDY_COMPLETE=1 $(BIN)/pytest $(PARALLEL) \
		--nbval-lax --nbval-current-env --nbval-sanitize-with tests/nbval.cfg \
		$(shell ls -r notebooks/*.ipynb) # the longest first

lab: .venv/ready ## JupyterLab on the notebooks
	@$(BIN)/jupyter lab notebooks

app: export APP_STUDY := $(value STUDY)
app: .venv/ready ## the web page on http://127.0.0.1:5000
	@own="build/studies/$$(basename -- "$$APP_STUDY" .toml)"; folder="$${APP_STUDY:+$$own}"; \
		card="$${folder:+$$folder/}app/model/card.json"; \
		test -e "$$card" && test -z "$$(find "$${folder:-build}"/*/model/card.json -newer "$$card" 2>/dev/null)" \
		|| $(BIN)/python -m app.building $${APP_STUDY:+--study="$$APP_STUDY"}
	@$(BIN)/python -m app.app $${APP_STUDY:+--study="$$APP_STUDY"}

lint: .venv/ready ## check style, format and architecture of the code
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports

clean: ## remove everything that can be made again, except the data; with build also the results of your own studies
	rm -rf build .venv .pytest_cache .ruff_cache app/model app/.model-* */*.part-*
