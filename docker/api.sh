#!/usr/bin/env bash
# The service `api`: first the data, then the server in this script's place.
set -euo pipefail

"$(dirname "$0")/data.sh"
exec stimmung serve
