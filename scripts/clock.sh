# shellcheck shell=bash
# For the scripts beside it, which read it in.

# clock: the time in microseconds.
clock() { echo "${EPOCHREALTIME/[.,]/}"; }

# seconds SINCE: those that have passed since then, with one decimal place.
seconds() {
  local tenths=$((($(clock) - $1) / 100000))
  echo "$((tenths / 10)).$((tenths % 10))"
}
