# Images, the layer, and the tests that need a container engine. Included by the Makefile, which says what UV and
# ENVIRONMENT are.

PACKAGE := layers/flowforge
PREPARED := $(PACKAGE)/build
SAM_ENVIRONMENT := .tools/sam
CHECKOV_ENVIRONMENT := .tools/checkov
# Linting looks up which resource types a region has; no request is made.
SAM := SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=$${AWS_DEFAULT_REGION:-us-east-1} $(SAM_ENVIRONMENT)/bin/sam

# What Lambda's Python 3.13 runs on: Amazon Linux 2023 with glibc 2.34. uv needs no such Python to install for it.
# Copies, because the modes below must not reach uv's cache.
INSTALL_FOR_LAMBDA := $(UV) pip install --quiet --link-mode copy --require-hashes --only-binary :all: \
	--python-version 3.13 --python-platform x86_64-manylinux_2_34
# A layer and its function may hold 250 MB together, and polars with its plugin takes 205; the control plane does without.
# Revisions are moved by an image of their own.
NOT_IN_LAYER := polars polars-hash duckdb python-calamine alembic

# ECS's images are none of the SAM CLI's. It builds by the engine's classic builder, whose layers only that one shares.
RELEASE ?= $(shell git describe --always --dirty 2>/dev/null)
BASE_IMAGE ?= public.ecr.aws/lambda/python:3.13
BUILD_WORKER = DOCKER_BUILDKIT=0 docker build --platform linux/amd64 --file functions/worker/Dockerfile \
	--build-arg BASE_IMAGE=$(BASE_IMAGE) --build-arg RELEASE=0000000000-$(or $(RELEASE),unreleased) --tag flowforge-worker:latest .

# Folders too: they change when a file is removed.
PACKAGE_SOURCES := $(PACKAGE)/pyproject.toml $(PACKAGE)/README.md \
	$(shell find $(PACKAGE)/src -name __pycache__ -prune -o '(' -type d -o -name '*.py' -o -name '*.pem' -o -name py.typed ')' -print)

.PHONY: wheels layer-bytecode images deploy database check-templates test-containers test-large-containers image-figures

wheels: $(PREPARED)/image/dependencies.ready $(PREPARED)/web/dependencies.ready $(PREPARED)/image/package.ready $(PREPARED)/layer.ready ## Lay out what images and layer hold: locked wheels, hashes checked

images: wheels layer-bytecode $(SAM_ENVIRONMENT)/ready ## Build the images and the layer (sam build), and the worker's image
	$(SAM) build --parameter-overrides Release=0000000000-$(or $(RELEASE),unreleased)
	$(BUILD_WORKER)

# Both parts need the SAM CLI; only the application is made of images and wheels.
deploy: $(if $(filter foundation,$(PART)),,wheels) $(SAM_ENVIRONMENT)/ready ## Deploy a stage: make deploy STAGE=dev
	@$(SAM_ENVIRONMENT)/bin/python scripts/deploy "$(STAGE)" "$(or $(PART),all)"

database: $(SAM_ENVIRONMENT)/ready ## Look at a stage's database or move it: make database STAGE=dev COMMAND=check
	@$(SAM_ENVIRONMENT)/bin/python scripts/database "$(STAGE)" "$(or $(COMMAND),check)" $(REVISION)

check-templates: $(SAM_ENVIRONMENT)/ready $(CHECKOV_ENVIRONMENT)/ready ## Lint both templates and look for what is insecure
	$(SAM) validate --lint --template template.yaml
	$(SAM) validate --lint --template foundation/template.yaml
	$(SAM_ENVIRONMENT)/bin/cfn-lint template.yaml foundation/template.yaml
	$(CHECKOV_ENVIRONMENT)/bin/checkov --skip-download --quiet --compact --framework cloudformation \
		--file template.yaml foundation/template.yaml

test-containers: $(ENVIRONMENT) wheels $(SAM_ENVIRONMENT)/ready ## Build the images, run them, compare with the host
	UV="$(UV)" MAKE="$(MAKE)" tests/containers/run.sh

test-large-containers: $(ENVIRONMENT) wheels $(SAM_ENVIRONMENT)/ready ## Outgrow the images by a gigabyte: memory, time, SIGKILL
	UV="$(UV)" MAKE="$(MAKE)" tests/containers/run.sh -m "containers and large"

image-figures: $(ENVIRONMENT) wheels $(SAM_ENVIRONMENT)/ready ## Measure the images' size, start and memory; write docs/reference/images.md
	@bash -ec '. tests/containers/engine.sh; "$(MAKE)" --no-print-directory images; \
		PYTHONPATH=tests .venv/bin/python -m bench.images --scale $(or $(BENCH_SCALE),1)'

$(SAM_ENVIRONMENT)/ready: uv.lock pyproject.toml
	UV_PROJECT_ENVIRONMENT=$(SAM_ENVIRONMENT) $(UV) sync --quiet --frozen --only-group sam
	@touch $@

$(CHECKOV_ENVIRONMENT)/ready: uv.lock pyproject.toml
	UV_PROJECT_ENVIRONMENT=$(CHECKOV_ENVIRONMENT) $(UV) sync --quiet --frozen --only-group checkov
	@touch $@

$(PREPARED)/image/requirements.txt: uv.lock $(PACKAGE)/pyproject.toml
	@mkdir -p $(@D)
	$(UV) export --quiet --frozen --package flowforge --extra lambda --no-emit-workspace --output-file $@

# What the images of the API and of the migrations have on top of those of the steps, whose layers they share.
$(PREPARED)/web/requirements.txt: uv.lock $(PACKAGE)/pyproject.toml $(PREPARED)/image/requirements.txt scripts/added-requirements
	@mkdir -p $(@D)
	$(UV) export --quiet --frozen --package flowforge --extra lambda --extra web --no-emit-workspace --output-file $@.all
	scripts/added-requirements $@.all $(PREPARED)/image/requirements.txt >$@

$(PREPARED)/layer/requirements.txt: uv.lock $(PACKAGE)/pyproject.toml
	@mkdir -p $(@D)
	$(UV) export --quiet --frozen --package flowforge --extra lambda --extra metadata --no-emit-workspace \
		$(addprefix --prune ,$(NOT_IN_LAYER)) --output-file $@

# bin/ holds scripts that start this machine's Python. Whatever the umask here, everybody may read what is left: Lambda
# runs functions as a user of its own.
$(PREPARED)/%/dependencies.ready: $(PREPARED)/%/requirements.txt
	rm -rf $(@:.ready=)
	$(INSTALL_FOR_LAMBDA) --no-deps --target $(@:.ready=) --requirements $<
	rm -rf $(@:.ready=)/bin
	chmod -R a+rX $(@:.ready=)
	@touch $@

$(PREPARED)/wheel.ready: $(PACKAGE_SOURCES)
	rm -rf $(PREPARED)/wheel
	$(UV) build --quiet --wheel --package flowforge --out-dir $(PREPARED)/wheel
	@touch $@

# A wheel of Python alone is installed by unpacking it, which leaves nothing of this machine in it.
$(PREPARED)/image/package.ready: $(PREPARED)/wheel.ready
	rm -rf $(@:.ready=)
	python3 -m zipfile -e $(PREPARED)/wheel/flowforge-*.whl $(@:.ready=)
	chmod -R a+rX $(@:.ready=)
	@touch $@

$(PREPARED)/layer.ready: $(PREPARED)/layer/requirements.txt $(PREPARED)/wheel.ready
	rm -rf $(PREPARED)/layer/python
	$(INSTALL_FOR_LAMBDA) --target $(PREPARED)/layer/python --requirements $<
	rm -rf $(PREPARED)/layer/python/bin
	python3 -m zipfile -e $(PREPARED)/wheel/flowforge-*.whl $(PREPARED)/layer/python
	chmod -R a+rX $(PREPARED)/layer/python
	@touch $@

# `make deploy` calls it once it has seen that an engine answers.
layer-bytecode: $(PREPARED)/layer.compiled

# Lambda keeps nothing that Python compiles while it loads a layer, so each cold start would compile all of it: a second
# and more. Only Lambda's own Python writes what it can read; the base image has it. Copied in and out, because an
# engine elsewhere sees no folder of this machine.
$(PREPARED)/layer.compiled: $(PREPARED)/layer.ready
	set -e; made=$$(docker create --platform linux/amd64 --network none --user 0 --entrypoint python3.13 $(BASE_IMAGE) \
		-m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/python); \
	trap 'docker rm --force "$$made" >/dev/null' EXIT; \
	docker cp $(PREPARED)/layer/python "$$made":/opt/python; \
	docker start --attach "$$made"; \
	docker cp "$$made":/opt/python $(PREPARED)/layer/
	chmod -R a+rX $(PREPARED)/layer/python
	@touch $@
