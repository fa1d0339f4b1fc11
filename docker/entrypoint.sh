#!/usr/bin/env bash
# What a container starts: the services that STIMMUNG_SERVICES names or, with arguments, the program itself with these.
# Usage: entrypoint.sh [ARGUMENTS OF stimmung...]
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"

# Left empty, as compose files leave what is not set, it means nothing.
[ -n "${STIMMUNG_OPEN:-}" ] || unset STIMMUNG_OPEN
[ $# -eq 0 ] || exec stimmung "$@"

# Downloads are tried once a start, not whenever the API is started again.
rm -f /tmp/stimmung-fetched

case "$STIMMUNG_SERVICES" in
  api | 'api notebook') "$here/access.sh" ;;
esac
case "$STIMMUNG_SERVICES" in
  notebook | 'api notebook')
    if [ -z "${JUPYTER_TOKEN:-}" ]; then
      JUPYTER_TOKEN="$(od --address-radix=n --format=x1 --read-bytes=24 /dev/urandom | tr -d ' \n')"
      echo "JupyterLab: http://127.0.0.1:$JUPYTER_PORT/lab?token=$JUPYTER_TOKEN (set JUPYTER_TOKEN for one of your own)"
    fi
    export JUPYTER_TOKEN
    ;;
esac

case "$STIMMUNG_SERVICES" in
  'api notebook') exec /opt/stimmung/python/bin/supervisord --configuration "$here/supervisord.conf" ;;
  api | notebook) exec "$here/$STIMMUNG_SERVICES.sh" ;;
  *)
    echo "STIMMUNG_SERVICES is '$STIMMUNG_SERVICES': expected 'api', 'notebook' or 'api notebook'" >&2
    exit 2
    ;;
esac
