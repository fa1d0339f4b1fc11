#!/usr/bin/env bash
# Gets the data. What lies in the folder of the corpora is taken as it is; corpora whose terms STIMMUNG_ACCEPT_LICENCE accepts are downloaded from
# where their owners publish them, if they are missing; and where all this leaves nothing, there are synthetic voices.
set -euo pipefail

fetched=/tmp/stimmung-fetched
if [ ! -e "$fetched" ]; then
  mirror=()
  [ -z "${STIMMUNG_MIRROR:-}" ] || mirror=(--mirror "$STIMMUNG_MIRROR")
  for name in ${STIMMUNG_ACCEPT_LICENCE:-}; do
    [ ! -d "$STIMMUNG_CORPORA/$name" ] || continue
    stimmung corpus fetch "$name" --accept-licence --to "$STIMMUNG_CORPORA" --timeout 20 --retries 2 "${mirror[@]}" ||
      echo "$name could not be fetched: it goes on without; the next start tries again" >&2
  done
  touch "$fetched"
fi

if ! compgen -G "$STIMMUNG_CORPORA/*/" >/dev/null; then
  echo "no corpus in $STIMMUNG_CORPORA: synthetic voices take its place" >&2
  # They appear whole or not at all.
  part="$STIMMUNG_CORPORA/.synth"
  if ! { rm -rf "$part" && stimmung corpus synth "$part" && mv "$part" "$STIMMUNG_CORPORA/synth"; }; then
    echo 'and there are none either: the API answers without a corpus' >&2
  fi
fi
