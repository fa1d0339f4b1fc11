#!/usr/bin/env bash
# Makes the pictures of docs/gallery.md and the documents in docs/examples from real recordings: Emo-DB, AESDD and TESS, which STIMMUNG_CORPORA must hold.
# It draws the reference runs, which `stimmung run recipes/reference` leaves in runs/reference; those that are missing there are made, which takes up to two hours on two cores.
# Usage: scripts/make-gallery.sh BINARY [RUNS]   (the folder of runs, by default runs)
set -euo pipefail

binary="$(realpath "$1")"
cd "$(dirname "$0")/.."
runs="${2:-runs}"
reference="$runs/reference"
gallery=docs/gallery
examples=docs/examples
: "${STIMMUNG_CORPORA:?the folder that holds emodb, aesdd and tess}"
recording="$STIMMUNG_CORPORA/emodb/wav/16a07Fb.wav"

# judge RECIPE: its runs under both protocols.
judge() {
  [[ -d "$reference/$1-original" && -d "$reference/$1-honest" ]] ||
    "$binary" run recipes/reference --only "$1" --out "$runs" --results "$runs/gallery-results.md" >/dev/null
}

# draw FILE KIND SUBJECT...
draw() {
  local file="$1" kind="$2"
  shift 2
  "$binary" plot "$kind" "$@" --out "$gallery/$file.png" --scale 1 --force >/dev/null
}

# draw_all NAME RUN KIND...
draw_all() {
  local name="$1" run="$2" kind
  shift 2
  for kind in "$@"; do draw "$name-$kind" "$kind" "$run"; done
}

mkdir -p "$gallery" "$examples"

r0="$reference/r0-model-a"
r1="$reference/r1-model3-mfcc30"
r3="$reference/r3-model3"
r4="$reference/r4-netbn-50"
for run in "$r0" "$r1" "$r3" "$r4"; do judge "$(basename "$run")"; done
default="$runs/default-evaluation"
[ -d "$default" ] || "$binary" evaluate recipes/default.toml --out "$runs" >/dev/null

draw_all emodb emodb classes speakers sexes texts durations duration-boxes durations-by-speaker
draw_all aesdd aesdd durations
draw_all recording "$recording" waveform spectrum spectrogram mel-spectrogram mfcc chromagram f0 loudness level

# As published: what the publications show has its counterpart.
draw_all r0 "$r0-original" loss accuracy confusion by-sex by-text by-duration text-length confidence confidence-accuracy
draw_all r1 "$r1-original" confusion-by-row
draw_all r3 "$r3-original" loss accuracy confusion-by-row confusion-by-column folds
draw_all r4 "$r4-original" by-emotion
# On voices that were not heard.
draw_all r0-honest "$r0-honest" confusion-by-row confusion-by-column by-emotion by-speaker roc reliability pca pca-by-speaker
draw compare compare "$r0-honest" "$r4-honest" "$default"

"$binary" model draw --recipe recipes/reference/r0-model-a.toml --out "$gallery/r0-network.svg" --force >/dev/null
"$binary" model draw --recipe recipes/reference/r3-model3.toml --out "$gallery/r3-network.svg" --force >/dev/null

document() { "$binary" report "$2" --out "$examples/$1.html" --slides "$examples/$1.pdf" --force; }
document r0 "$r0-honest"
document r3 "$r3-honest"
document default "$default"
