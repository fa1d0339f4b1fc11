#!/usr/bin/env bash
# Makes the pictures of docs/gallery.md and the documents in docs/examples from real recordings: Emo-DB, AESDD and TESS, which STIMMUNG_CORPORA must hold.
# Runs that are there already are used again; without them it takes about a quarter of an hour on two cores.
# Usage: scripts/make-gallery.sh BINARY [RUNS]   (the folder for the runs, by default runs/gallery)
set -euo pipefail

binary="$(realpath "$1")"
cd "$(dirname "$0")/.."
runs="${2:-runs/gallery}"
gallery=docs/gallery
examples=docs/examples
: "${STIMMUNG_CORPORA:?the folder that holds emodb, aesdd and tess}"
recording="$STIMMUNG_CORPORA/emodb/wav/16a07Fb.wav"

# judge NAME RECIPE [OPTIONS...]: the run called NAME.
judge() {
  local name="$1" recipe="$2"
  shift 2
  [ -d "$runs/$name-evaluation" ] || "$binary" evaluate "$recipe" --with "name=$name" "$@" --out "$runs" >/dev/null
}

# draw FILE KIND SUBJECT...
draw() {
  local file="$1" kind="$2"
  shift 2
  "$binary" plot "$kind" "$@" --out "$gallery/$file.png" --scale 1 --force >/dev/null
}

mkdir -p "$gallery" "$examples"

judge r0 recipes/reference/r0-model-a.toml --with 'protocol={kind="random", holdout=0.2}'
judge r1 recipes/reference/r1-model3-mfcc30.toml
judge r3 recipes/reference/r3-model3.toml
judge r4 recipes/reference/r4-netbn-50.toml
judge default recipes/default.toml

for kind in classes speakers sexes texts durations duration-boxes durations-by-speaker; do
  draw "emodb-$kind" "$kind" emodb
done
draw aesdd-durations durations aesdd
for kind in waveform spectrum spectrogram mel-spectrogram mfcc chromagram f0 loudness level; do
  draw "recording-$kind" "$kind" "$recording"
done
for kind in loss accuracy confusion confusion-by-row by-emotion by-speaker by-sex by-text by-duration text-length confidence confidence-accuracy roc reliability pca pca-by-speaker; do
  draw "r0-$kind" "$kind" "$runs/r0-evaluation"
done
for kind in loss accuracy confusion-by-row confusion-by-column folds; do
  draw "r3-$kind" "$kind" "$runs/r3-evaluation"
done
draw r1-confusion-by-row confusion-by-row "$runs/r1-evaluation"
draw r4-by-emotion by-emotion "$runs/r4-evaluation"
draw compare compare "$runs/r0-evaluation" "$runs/r4-evaluation" "$runs/default-evaluation"
"$binary" model draw --recipe recipes/reference/r0-model-a.toml --out "$gallery/r0-network.svg" --force >/dev/null
"$binary" model draw --recipe recipes/reference/r3-model3.toml --out "$gallery/r3-network.svg" --force >/dev/null

for name in r0 r3 default; do
  "$binary" report "$runs/$name-evaluation" --out "$examples/$name.html" --slides "$examples/$name.pdf" --force
done
