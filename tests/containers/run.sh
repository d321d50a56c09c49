#!/usr/bin/env bash
# Builds the images and the layer, and runs the tests that need a container engine. `make test-containers` prepares the
# wheels and calls this.
#
# With an engine of the machine's own (docker, podman behind DOCKER_HOST) the images are built on AWS's base image, which
# the engine pulls. Where there is none, LAMBDA_BASE_SETUP may name a script that sets one up together with a stand-in
# base image under the same name: sourced it exports DOCKER_HOST, called with `stop` it ends the engine that it started.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

log=.aws-sam/build.log
base=public.ecr.aws/lambda/python:3.13-x86_64

engine_answers() {
  docker version >/dev/null 2>&1 ||
    DOCKER_HOST=unix://${LAMBDA_BASE_ROOT:-/var/lib/lambda-base}/docker.sock docker version >/dev/null 2>&1
}

if [ -n "${LAMBDA_BASE_SETUP:-}" ]; then
  if ! engine_answers; then
    trap '"$LAMBDA_BASE_SETUP" stop' EXIT
  fi
  # shellcheck disable=SC1090
  . "$LAMBDA_BASE_SETUP" >/dev/null
  # AWS's runtime looks for layers under /opt/python, the stand-in's does not.
  printf 'FROM %s\nENV PYTHONPATH=/opt/python\n' "$base" | docker build --quiet --tag "$base" - >/dev/null 2>&1
fi
if ! docker version >/dev/null 2>&1; then
  echo "No container engine answers. Start docker, or let LAMBDA_BASE_SETUP name a script that provides one." >&2
  exit 1
fi

mkdir -p .aws-sam
started=$SECONDS
if ! "${MAKE:-make}" --no-print-directory images >"$log" 2>&1; then
  tail -n 40 "$log" >&2
  echo "the images could not be built; the whole of the output is in $log" >&2
  exit 1
fi
echo "built in $((SECONDS - started)) s:"
for image in bronzeingest silvertransform goldpublish flowforge-worker; do
  docker images --format '{{.Repository}} {{.Size}}' "$image:latest"
done

.venv/bin/pytest -m containers tests/containers "$@"
