#!/usr/bin/env bash
# Asks a server of its own everything that its description allows and much that it does not, and fails where an answer is a fault of the
# server (5xx), has a status or a media type that the description does not name, or is not of the shape that it promises.
# Needs the binary, and Python 3; Schemathesis goes into a virtual environment below target/, unless STIMMUNG_API_PYTHON names a Python that
# has it.
# Usage: scripts/check-api.sh [BINARY]
set -euo pipefail

binary="$(realpath "${1:-target/release/stimmung}")"
cd "$(dirname "$0")/.."

python="${STIMMUNG_API_PYTHON:-}"
if [ -z "$python" ]; then
  environment="${CARGO_TARGET_DIR:-$PWD/target}/peers-api"
  python="$environment/bin/python"
  if ! cmp --silent scripts/requirements-api.txt "$environment/ready"; then
    python3 -m venv "$environment"
    "$python" -m pip install --quiet --requirement scripts/requirements-api.txt
    cp scripts/requirements-api.txt "$environment/ready"
  fi
fi

source scripts/serving.sh
source scripts/stand-in.sh
stand_in "$work/corpora"
cat >"$work/config.toml" <<'TOML'
feedback = true
keep_audio = true
# Orders of trainings are not to be refused because there are many.
limits = { jobs = 10000, request_seconds = 10 }
TOML

scripts="$PWD/scripts"
# No other corpora are to be found, and what Schemathesis leaves behind goes with the folder.
cd "$work"
unset STIMMUNG_CORPORA
export XDG_CACHE_HOME="$work/cache"
serve --config config.toml --corpora corpora

# Statuses that the description does not name are findings, because every call names its own; the same for media types. Nothing is drawn at
# random, so that a finding is found again.
checks=not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance
RECORDING="$work/corpora/emodb/wav/03a01Wa.wav" SCHEMATHESIS_HOOKS=check_api PYTHONPATH="$scripts" PYTHONDONTWRITEBYTECODE=1 \
  "$python" -m schemathesis.cli run "$url/openapi.json" --no-color --continue-on-failure --warnings off --request-timeout 30 \
  --checks "$checks,negative_data_rejection,unsupported_method" --generation-deterministic --max-examples 25

if grep --quiet panicked "$work/log"; then
  grep panicked "$work/log" >&2
  exit 1
fi
