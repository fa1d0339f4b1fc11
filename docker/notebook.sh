#!/usr/bin/env bash
# The service `notebook`: JupyterLab on copies of the notebooks in the volume, with what they need to find the API.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"

export STIMMUNG_URL="${STIMMUNG_URL:-http://127.0.0.1:${STIMMUNG_LISTEN##*:}}"
key_file="$STIMMUNG_DATA/container.key"
if [ -z "${STIMMUNG_KEY:-}" ] && [ -r "$key_file" ]; then
  STIMMUNG_KEY="$(<"$key_file")"
  export STIMMUNG_KEY
fi

# What people have changed there stays.
mkdir -p /data/notebooks
cp --recursive --no-clobber "$here/../notebooks/." /data/notebooks/

export PATH="/opt/stimmung/python/bin:$PATH"
# It takes the token from JUPYTER_TOKEN and the port from JUPYTER_PORT; another port than that one would be found by nobody.
exec jupyter-lab --no-browser --ip=0.0.0.0 --ServerApp.root_dir=/data/notebooks --ServerApp.port_retries=0
