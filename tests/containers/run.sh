#!/usr/bin/env bash
# Builds the images and the layer, and runs the tests that need a container engine. `make test-containers` prepares the
# wheels and calls this; what is given to it goes to pytest. Without anything the tests that need gigabytes are left out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

log=.aws-sam/build.log
# shellcheck source-path=SCRIPTDIR source=engine.sh
. tests/containers/engine.sh

mkdir -p .aws-sam
started=$SECONDS
if ! "${MAKE:-make}" --no-print-directory images >"$log" 2>&1; then
  tail -n 40 "$log" >&2
  echo "the images could not be built; the whole of the output is in $log" >&2
  exit 1
fi
echo "built in $((SECONDS - started)) s:"
for image in bronzeingest silvertransform goldpublish web upgradedatabase flowforge-worker; do
  docker images --format '{{.Repository}} {{.Size}}' "$image:latest"
done

[ $# -gt 0 ] || set -- -m "containers and not large"
.venv/bin/pytest tests/containers "$@"
