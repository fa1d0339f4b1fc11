#!/usr/bin/env bash
# Drives the page of a server of its own in headless Chromium: the suite in web/e2e, with its fake microphone, and the pictures that it takes.
# The corpus is Emo-DB where STIMMUNG_CORPORA has it, and otherwise synthetic voices that the binary makes. Needs the binary, Node, and Chromium
# ($CHROMIUM, by default Debian's, which is installed where it is missing).
# Usage: scripts/end-to-end.sh [--screenshots DIR] [BINARY] [-- PLAYWRIGHT-ARGUMENTS...]
set -euo pipefail

usage() {
  sed -n 's/^# Usage: /usage: /p' "$0" >&2
  exit 2
}

pictures=''
binary=''
while [ $# -gt 0 ]; do
  case "$1" in
    --screenshots)
      [ $# -ge 2 ] || usage
      mkdir -p "$2"
      pictures="$(cd "$2" && pwd)"
      shift 2
      ;;
    --)
      shift
      break
      ;;
    -*) usage ;;
    *)
      [ -z "$binary" ] || usage
      binary="$1"
      shift
      ;;
  esac
done
binary="$(realpath "${binary:-target/release/stimmung}")"
[ -x "$binary" ] || { echo "there is no program $binary; cargo build --release makes it" >&2; exit 1; }
cd "$(dirname "$0")/.."

export CHROMIUM="${CHROMIUM:-/usr/bin/chromium}"
if [ ! -x "$CHROMIUM" ]; then
  root=()
  [ "$(id -u)" -eq 0 ] || root=(sudo)
  "${root[@]}" apt-get update >/dev/null
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends chromium fonts-noto-core >/dev/null
fi
# The browser is the system's; Playwright shall not fetch one.
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1
[ -d web/node_modules ] || (cd web && npm ci --no-audit --no-fund --silent)

source scripts/serving.sh
export STIMMUNG_CORPUS=emodb
if [ ! -d "${STIMMUNG_CORPORA:-}/emodb" ]; then
  echo 'no Emo-DB in STIMMUNG_CORPORA: synthetic voices take its place'
  STIMMUNG_CORPUS=synth
  export STIMMUNG_CORPORA="$work/corpora"
  mkdir -p "$STIMMUNG_CORPORA"
  "$binary" corpus synth "$STIMMUNG_CORPORA/synth" >/dev/null
fi

serve --feedback
export STIMMUNG_URL="$url"
export STIMMUNG_SCREENSHOTS="${pictures:-$work/pictures}"

status=0
(cd web && npm run --silent e2e -- "$@") || status=$?
if [ "$status" -ne 0 ]; then
  echo 'what the server complained about:' >&2
  { grep -v '"level":"INFO"' "$work/log" || true; } | tail -n 20 >&2
fi
exit "$status"
