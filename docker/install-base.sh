#!/usr/bin/env bash
# What both images begin with: the user that everything runs as, and the folder of the data, which belongs to them.
# To be run as root in a clean Debian.
set -euo pipefail

useradd --uid 1000 --create-home --shell /bin/bash stimmung
install --directory --owner=stimmung --group=stimmung /data
