#!/usr/bin/env bash
# Whether every service of this container answers: 0 if so, 1 otherwise.
set -euo pipefail

# answers HOST PORT PATH: 200 within three seconds. Bash can ask, so the images need no program for it.
answers() {
  local status=''
  {
    printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$3" >&3
    read -r -t 3 _ status _ <&3
  } 3<>"/dev/tcp/$1/$2" || return 1
  [ "$status" = 200 ]
} 2>/dev/null

unhealthy=0
for service in $STIMMUNG_SERVICES; do
  case "$service" in
    api)
      host="${STIMMUNG_LISTEN%:*}"
      place=("${host//[\[\]]/}" "${STIMMUNG_LISTEN##*:}" /ready)
      ;;
    notebook) place=(127.0.0.1 "$JUPYTER_PORT" /api) ;;
  esac
  if answers "${place[@]}"; then
    echo "$service: healthy"
  else
    echo "$service: no answer from port ${place[1]}"
    unhealthy=1
  fi
done
exit "$unhealthy"
