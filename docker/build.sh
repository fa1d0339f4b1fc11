#!/usr/bin/env bash
# Builds the program and puts it into a folder: the step of the Dockerfile's first stage.
# Usage: docker/build.sh FOLDER
set -euo pipefail
out="$(realpath --canonicalize-missing "$1")"
cd "$(dirname "$0")/.."

cargo build --release --locked --package stimmung-cli
install -D --target-directory "$out" "${CARGO_TARGET_DIR:-target}/release/stimmung"
