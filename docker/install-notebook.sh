#!/usr/bin/env bash
# Installs Python with JupyterLab and the supervisor into /opt/stimmung/python. To be run as root in a clean Debian.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
export DEBIAN_FRONTEND=noninteractive

apt-get update --quiet=2
apt-get install --yes --quiet=2 --no-install-recommends python3 python3-venv
python3 -m venv /opt/stimmung/python
# constraints.txt pins what the packages need in turn.
/opt/stimmung/python/bin/pip install --quiet --no-cache-dir --disable-pip-version-check \
  --requirement "$here/../notebooks/requirements.txt" --requirement "$here/requirements.txt" --constraint "$here/constraints.txt"
# Only making the environment needed it.
apt-get purge --yes --quiet=2 --auto-remove python3-venv
apt-get clean
rm -rf /var/lib/apt/lists/*
# What the packages test themselves with: a tenth of all.
find /opt/stimmung/python/lib -depth -type d -name tests -exec rm -rf {} +
