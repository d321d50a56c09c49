# Sourced by what needs a container engine; lets `docker` find one.
#
# With an engine of the machine's own (docker, podman behind DOCKER_HOST) the images are built on AWS's base image, which
# the engine pulls. Where there is none, LAMBDA_BASE_SETUP may name a script that sets one up together with a stand-in
# base image under the same name: sourced it exports DOCKER_HOST, called with `stop` it ends the engine that it started.
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

