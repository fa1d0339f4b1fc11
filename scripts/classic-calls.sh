#!/usr/bin/env bash
# Runs the calls that the published systems' documents print (R0, R2 and R4 in the reference recipes) against a server of its own on
# Emo-DB, and fails where an answer is not as they say. Needs curl, the binary, and Emo-DB where STIMMUNG_CORPORA says.
# Usage: scripts/classic-calls.sh [BINARY]
set -euo pipefail

binary="${1:-target/release/stimmung}"
source "$(dirname "$0")/serving.sh"
serve

# says WORD CURL-ARGUMENTS...: the answer must hold the word.
says() {
  local word="$1" answer
  shift
  answer="$(curl --silent --show-error "$@")"
  if [[ "$answer" != *"$word"* ]]; then
    printf 'curl %s\n  answered %s\n  which lacks %s\n' "$*" "$answer" "$word" >&2
    exit 1
  fi
  printf 'ok  curl %s\n' "$*"
}

# Greetings
says '"/predict"' "$url/"
# R0: what can be asked for, and one of it
says '"16a07Fb.wav"' "$url/predict"
says '"truth":"happiness"' "$url/predict?sample=16a07Fb.wav"
says '"confidence":' "$url/predict/cnn?sample=16a07Fb.wav"
# R2: by number, and a number that is not there
says '"truth":' "$url/predict?ID=5"
says '0 to 534' "$url/predict?ID=535"
# R4: the class alone
says '"class":' -X POST -H 'Content-Type: application/json' -d '{"id": "03a01Fa"}' "$url/pred"
# R0, R2, R4: a training is started; asked again, it tells its progress
says '"status":"' "$url/train?augment=false&num_epoch=2&test_size=0.2&random_state=1"
says '"job":"' "$url/train"
for _ in $(seq 600); do
  curl --silent "$url/train" | grep -q '"status":"finished"' && break
  sleep 0.5
done
says 'model trained with final acc in train ' "$url/train"
says '"iter":2' "$url/train/cnn"
says '"status":"' -X POST "$url/train?force_train=true&augment=false&num_epoch=1"
