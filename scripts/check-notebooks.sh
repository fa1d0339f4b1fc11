#!/usr/bin/env bash
# Checks the notebooks: each is valid (nbformat), is committed without outputs, and runs from top to bottom, on the synthetic corpus and, where
# STIMMUNG_CORPORA has it, on Emo-DB. Notebooks that are named besides may hold outputs; they are executed in their own folders.
# Needs the binary, and Python 3.11 or later; Jupyter goes into a virtual environment below target/, unless STIMMUNG_NOTEBOOK_PYTHON names a
# Python that has it.
# Usage: scripts/check-notebooks.sh BINARY [NOTEBOOK...]
set -euo pipefail

if [ $# -eq 0 ]; then
  sed -n 's/^# Usage: /usage: /p' "$0" >&2
  exit 2
fi
binary="$(realpath "$1")"
[ -x "$binary" ] || { echo "there is no program $binary; cargo build --release makes it" >&2; exit 1; }
shift
further=()
for notebook in "$@"; do
  further+=("$(realpath "$notebook")")
done
cd "$(dirname "$0")/.."
own=("$PWD"/notebooks/*.ipynb)

python="${STIMMUNG_NOTEBOOK_PYTHON:-}"
if [ -z "$python" ]; then
  environment="${CARGO_TARGET_DIR:-$PWD/target}/notebooks"
  python="$environment/bin/python"
  if ! cmp --silent notebooks/requirements.txt "$environment/ready"; then
    python3 -m venv "$environment"
    "$python" -m pip install --quiet --requirement notebooks/requirements.txt
    cp notebooks/requirements.txt "$environment/ready"
  fi
fi

"$python" - "${#own[@]}" "${own[@]}" "${further[@]}" <<'PYTHON'
import sys

import nbformat

own, paths = int(sys.argv[1]), sys.argv[2:]
for place, path in enumerate(paths):
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    if (notebook.nbformat, notebook.nbformat_minor) < (4, 5):
        sys.exit(f"{path}: nbformat {notebook.nbformat}.{notebook.nbformat_minor}, expected 4.5 or later")
    for cell in notebook.cells:
        if place < own and cell.cell_type == "code" and (cell.outputs or cell.execution_count is not None):
            sys.exit(f"{path}: the cell {cell.id} has outputs; commit notebooks without them")
PYTHON

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
mkdir "$work/nothing"
# Programs that a notebook starts take what they are told here, and nothing from elsewhere.
unset STIMMUNG_URL STIMMUNG_KEY STIMMUNG_DATA STIMMUNG_CORPUS MODEL EPOCHS
export STIMMUNG="$binary" JUPYTER_CONFIG_DIR="$work/jupyter" IPYTHONDIR="$work/ipython" MPLCONFIGDIR="$work/matplotlib"

failed=0
# execute NOTEBOOK CORPUS [COMMAND...]: runs it from top to bottom, below COMMAND (env with its settings); its result is thrown away.
execute() {
  local notebook="$1" corpus="$2" begun="$SECONDS"
  shift 2
  if "$@" "$python" -m nbconvert --to notebook --execute --log-level ERROR --ExecutePreprocessor.timeout=1200 \
    --output-dir "$work" --output executed.ipynb "$notebook" 2>"$work/log"; then
    printf '%s on %s: %d s\n' "$(basename "$notebook")" "$corpus" $((SECONDS - begun))
  else
    printf '%s on %s: failed after %d s\n' "$(basename "$notebook")" "$corpus" $((SECONDS - begun)) >&2
    tail -n 40 "$work/log" >&2
    failed=1
  fi
}

for notebook in "${own[@]}"; do
  execute "$notebook" 'synthetic voices' env STIMMUNG_CORPORA="$work/nothing" XDG_CACHE_HOME="$work/nothing"
  if [ -d "${STIMMUNG_CORPORA:-}/emodb" ]; then
    execute "$notebook" Emo-DB env STIMMUNG_CORPUS=emodb
  fi
done
for notebook in "${further[@]}"; do
  execute "$notebook" 'its own run' env
done
exit "$failed"
