# For the scripts beside it, which read it in: `serve [ARGUMENTS...]` starts the server of "$binary" on a free port, with fresh data below "$work",
# and sets "$url". Both end with the script.
work="$(mktemp -d)"
server=''

end_serving() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap end_serving EXIT

serve() {
  "$binary" serve --json --listen 127.0.0.1:0 --data "$work/data" "$@" >"$work/listening" 2>"$work/log" &
  server=$!
  for _ in $(seq 100); do
    [ -s "$work/listening" ] && break
    sleep 0.1
  done
  if [ ! -s "$work/listening" ]; then
    cat "$work/log" >&2
    echo 'the server did not start' >&2
    exit 1
  fi
  url="http://$(sed 's/.*"listening":"\([^"]*\)".*/\1/' "$work/listening")"
}
