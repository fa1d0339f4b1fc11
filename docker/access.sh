#!/usr/bin/env bash
# Sees to it that not everybody who reaches the port may use the API: makes a key where there is none, and tells it. With STIMMUNG_OPEN, whoever
# runs the container has said that everybody may, and this key goes again; keys that people have made stay.
set -euo pipefail

# The notebook reads it from here.
key_file="$STIMMUNG_DATA/container.key"
mkdir -p "$STIMMUNG_DATA"
keys="$(stimmung serve keys list)"

has_ours() { grep --quiet '^container ' <<<"$keys"; }

make_key() {
  (
    umask 077
    stimmung serve keys add container --scopes read,predict,train,admin >"$key_file.new" 2>/dev/null
  )
  mv "$key_file.new" "$key_file"
}

# What the program takes for yes, in any case.
open="${STIMMUNG_OPEN:-false}"
if [[ "${open,,}" =~ ^(1|y|yes|t|true|on)$ ]]; then
  if has_ours; then
    stimmung serve keys remove container
  fi
  rm -f "$key_file"
  exit
fi

if has_ours && [ ! -s "$key_file" ]; then
  # Nobody can be told that key any more.
  stimmung serve keys remove container
  make_key
elif [ -z "$keys" ]; then
  make_key
elif ! has_ours; then
  rm -f "$key_file"
fi
if [ -s "$key_file" ]; then
  echo "API key: $(<"$key_file") (the header is 'Authorization: Bearer KEY'; STIMMUNG_OPEN=true does without)"
fi
