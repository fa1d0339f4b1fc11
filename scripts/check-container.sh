#!/usr/bin/env bash
# Carries out docker/Dockerfile in a clean Debian root, without a container engine, and checks what its containers do: both services answer, also to
# the calls of the README; what is killed comes back; orphans are collected; SIGTERM ends everything; the data comes from a volume, a download
# or, without network, from synthetic voices; nobody gets in without a key; the health check tells the truth. Containers have processes, mounts
# and a network of their own, so nothing collides with anything and nothing is left behind. Needs root, Linux, curl, Python 3 and the binary;
# debootstrap is installed where it is missing. What takes long is kept below target/container.
# Usage: scripts/check-container.sh [BINARY]
set -euo pipefail

binary="$(realpath "${1:-target/release/stimmung}")"
[ -x "$binary" ] || { echo "there is no program $binary; cargo build --release makes it" >&2; exit 1; }
cd "$(dirname "$0")/.."
source scripts/clock.sh
source scripts/debian-root.sh
source scripts/dockerfile.sh
source scripts/stand-in.sh

# The image that runs, as docker/Dockerfile describes it.
image_user='' image_entrypoint='' image_health=''

ok() { printf 'ok  %s\n' "$*"; }

case "${2:-}" in
  '')
    needs_root
    isolated scripts/check-container.sh "$binary" images
    exit
    ;;
  images)
    # In memory, which is quick, and gone with the namespace.
    work=/mnt
    mount -t tmpfs -o size=4g,mode=755 tmpfs "$work"
    for target in slim full; do
      started=$SECONDS
      make_image "$target" "$work/$target" "$binary"
      ok "image $target: $(du --summarize --block-size=MB "$work/$target" | cut -f 1), made in $((SECONDS - started)) s"
    done
    # From here on with a network in which nothing but this machine is, and that nobody else sees.
    exec unshare --net scripts/check-container.sh "$binary" containers
    ;;
esac
work=/mnt

# Containers

init=''
outer=''

fail() {
  printf 'failed: %s\n' "$*" >&2
  if [ -s "$work/log" ]; then
    echo 'the end of what the container said:' >&2
    tail -n 30 "$work/log" >&2
  fi
  exit 1
}

# start IMAGE VOLUME [NAME=VALUE...]: a container, as an engine would run it. Its PID 1 is $init from here.
start() {
  local target="$1" volume="$2" account
  shift 2
  describe_image "$target"
  image="$work/$target"
  account="$(grep "^$image_user:" "$image/etc/passwd")"
  IFS=: read -r _ _ user group _ home _ <<<"$account"
  environment=("${image_environment[@]}" "HOME=$home" "$@")
  mount --bind "$volume" "$image/data"
  # Engines hand the streams over to the user of the container as well.
  : >"$work/log"
  chown "$user:$group" "$work/log"
  unshare --mount --pid --fork --kill-child --root="$image" --mount-proc --wd=/ --setgid="$group" --setuid="$user" \
    env --ignore-environment "${environment[@]}" "$image_entrypoint" "${arguments[@]}" >>"$work/log" 2>&1 &
  outer=$!
  for _ in $(seq 50); do
    init="$(pgrep --parent "$outer" || true)"
    # Some are done before anybody looks.
    if [ -n "$init" ] || gone "$outer"; then return 0; fi
    sleep 0.1
  done
  fail "no container of $target"
}
arguments=()

# inside COMMAND...: in the running container, as its user.
inside() {
  nsenter --target "$init" --mount --pid --root --wd --setgid "$group" --setuid "$user" env --ignore-environment "${environment[@]}" "$@"
}

# within SECONDS COMMAND...: tries until the command succeeds, which shall not end the script.
within() {
  local started limit="$1"
  shift
  started="$(clock)"
  until "$@" >/dev/null 2>&1; do
    [ $(($(clock) - started)) -lt $((limit * 1000000)) ] || return 1
    sleep 0.1
  done
}

# stop: SIGTERM, and then exit code 0 within ten seconds.
stop() {
  local started code=0
  started="$(clock)"
  kill -TERM "$init"
  within 10 gone "$outer" || fail 'SIGTERM: it still runs after 10 s'
  ended="$(seconds "$started")"
  wait "$outer" || code=$?
  [ "$code" -eq 0 ] || fail "SIGTERM: exit code $code"
  umount "$image/data"
}

# Waited for or not: a process that has ended does nothing any more.
gone() { [ ! -e "/proc/$1" ] || grep --quiet '^State:\sZ' "/proc/$1/status"; }

volume() {
  mkdir "$work/$1"
  chown 1000:1000 "$work/$1"
  echo "$work/$1"
}

# Questions

key=''
# The README's calls go through it, too.
curl() {
  local header=()
  [ -z "$key" ] || header=(--header "Authorization: Bearer $key")
  command curl --silent --show-error --fail-with-body --max-time 60 "${header[@]}" "$@"
}

status() { command curl --silent --output /dev/null --write-out '%{http_code}' --max-time 10 "$@" || true; }
is() { [ "$(status "${@:2}")" = "$1" ]; }
field() { python3 -c 'import functools, json, sys; print(functools.reduce(lambda it, name: it[name], sys.argv[1].split("."), json.load(sys.stdin)))' "$1"; }

# says WORD CURL-ARGUMENTS...: the answer must hold the word.
says() {
  local answer
  answer="$(curl "${@:2}")" || fail "curl ${*:2} answered $answer"
  [[ "$answer" == *"$1"* ]] || fail "curl ${*:2} answered $answer, which lacks $1"
}

told() { grep --quiet --fixed-strings -- "$1" "$work/log"; }

# process SERVICE: the one that the supervisor watches.
process() {
  case "$1" in
    api) pgrep --parent "$init" --exact stimmung ;;
    notebook) pgrep --parent "$init" --exact jupyter-lab ;;
  esac
}

# comes_back SERVICE URL: after SIGKILL, within ten seconds.
comes_back() {
  local before started
  before="$(process "$1")" || fail "PID 1 has no child that is $1"
  started="$(clock)"
  kill -KILL "$before"
  another() { [ "$(process "$1")" != "$before" ] && is 200 "$2"; }
  within 10 another "$@" || fail "$1 was killed and is not back after 10 s"
  ok "$1 killed, and back after $(seconds "$started") s"
}

# unhealthy_without SERVICE: a service that hangs makes the health check say so, by its name; and healthy again.
unhealthy_without() {
  local pid said
  pid="$(process "$1")" || fail "PID 1 has no child that is $1"
  kill -STOP "$pid"
  if said="$(inside "$image_health")"; then fail "$1 hangs, and the health check says $said"; fi
  [[ "$said" == *"$1: no answer"* ]] || fail "$1 hangs, and the health check says $said"
  kill -CONT "$pid"
  within 5 inside "$image_health" || fail "$1 goes on, and the health check says $(inside "$image_health")"
}

ip link set lo up
api=http://127.0.0.1:5000
jupyter=http://127.0.0.1:8888

# A volume with a corpus; nothing is set, so there is a key and a token.

data="$(volume data)"
mkdir "$data/corpora"
stand_in "$data/corpora"
recording="$data/corpora/emodb/wav/16a07Fb.wav"
chown -R 1000:1000 "$data"
started="$(clock)"
start full "$data"
if inside "$image_health" >/dev/null; then fail 'healthy before anything answers'; fi
within 60 is 200 "$api/ready" || fail 'the API does not answer'
within 60 is 200 "$jupyter/api" || fail 'JupyterLab does not answer'
ok "both services answer $(seconds "$started") s after the start"
inside "$image_health" >/dev/null || fail 'unhealthy, although both answer'

[ "$(inside sh -c 'stat --format=%u /proc/[0-9]*' | sort --unique)" = 1000 ] || fail 'something does not run as the user 1000'
inside sh -c '! touch /usr/local/bin/stimmung 2>/dev/null' || fail 'the user can change the program'
diff <(grep -v '^#' docker/constraints.txt) <(inside /opt/stimmung/python/bin/pip freeze) || fail 'docker/constraints.txt does not pin what is installed'
ok 'all processes belong to a user without rights; all Python packages are the pinned ones'

for call in /v1/models /train '/predict?sample=16a07Fb.wav'; do
  is 401 "$api$call" || fail "$call answers $(status "$api$call") without a key"
done
is 403 "$jupyter/api/contents" || fail 'JupyterLab answers without its token'
key="$(sed -n 's/^API key: \([^ ]*\) .*/\1/p' "$work/log")"
token="$(sed -n 's/^JupyterLab: .*?token=\([^ ]*\) .*/\1/p' "$work/log")"
[ "$(stat --format=%a "$data/server/container.key")" = 600 ] || fail 'others can read the key'
says '"embedded"' "$api/v1/models"
says '<title>' --header 'accept: text/html' "$api/"
is 200 --header "Authorization: token $token" "$jupyter/api/contents" || fail 'JupyterLab does not take the token that was printed'
ok 'nothing without key and token; everything with those that it prints'

comes_back api "$api/ready"
comes_back notebook "$jupyter/api"

orphan="$(inside sh -c '(sleep 2 >/dev/null 2>&1 & echo $!)')"
[ "$(inside cut --delimiter=' ' --fields=4 "/proc/$orphan/stat")" = 1 ] || fail 'the orphan did not come to PID 1'
collected() { ! inside test -e "/proc/$orphan"; }
within 6 collected || fail "the orphan is still there: $(inside cat "/proc/$orphan/stat")"
ok 'an orphan is collected by PID 1'

unhealthy_without api
unhealthy_without notebook
ok 'the health check tells when a service hangs, and when it goes on'

# What SIGTERM meets: a training, a listener to it, and a kernel.
echo mine >"$data/notebooks/requirements.txt"
key='' says '"id"' --header "Authorization: token $token" --request POST "$jupyter/api/kernels"
curl "$api/train?augment=false&num_epoch=100000" >/dev/null
job="$(curl "$api/train" | field job)"
running() { [ "$(curl "$api/v1/jobs/$job" | field state)" = running ]; }
within 30 running || fail 'the training does not begin'
curl --no-buffer "$api/v1/jobs/$job/events" >/dev/null 2>&1 &
listener=$!
sleep 1
stop
wait "$listener" || true
ok "SIGTERM amid a training, with a listener and a kernel: ended after $ended s with exit code 0"

# The same volume again, open to everybody, with a token of one's own: the calls as documented.

start full "$data" STIMMUNG_OPEN=True JUPYTER_TOKEN=of-my-own
key=''
within 60 is 200 "$api/ready" || fail 'the API does not answer'
within 60 is 200 "$jupyter/api" || fail 'JupyterLab does not answer'
is 200 --header 'Authorization: token of-my-own' "$jupyter/api/contents" || fail 'JupyterLab does not take the token of the environment'
! told of-my-own || fail 'a token that was given is printed'
[ "$(cat "$data/notebooks/requirements.txt")" = mine ] || fail 'a changed file of the notebooks was overwritten'
[[ "$(curl "$api/v1/jobs/$job" | field state)" =~ queued|running ]] || fail 'the training that was interrupted is not taken up again'
says '"state"' --request DELETE "$api/v1/jobs/$job"

cd "$work"
for name in voice.wav talk.mp3 a.wav b.wav; do cp "$recording" "$name"; done
calls=0
while IFS= read -r call; do
  case "$call" in
    *ID/events*) call="${call/ID/$job}" ;;
    *ID/promote*) call="${call/ID/$model}" ;;
  esac
  answer="$(eval "$call")" || fail "$call answered $answer"
  case "$call" in
    */v1/train*) job="$(field id <<<"$answer")" ;;
    *events*) model="$(curl "$api/v1/jobs/$job" | field result.model)" ;;
  esac
  calls=$((calls + 1))
done < <(sed -n 's/^\$ \(curl .*\)$/\1/p' "$OLDPWD/README.md")
cd "$OLDPWD"
[ "$calls" -ge 6 ] || fail "only $calls calls were found in README.md"
says '"truth":"happiness"' "$api/predict?sample=16a07Fb.wav"
says '"truth":' "$api/predict?ID=5"
says '"class":' --header 'content-type: application/json' --data '{"id": "03a01Wa"}' "$api/pred"
says '"status":' "$api/train?augment=false&num_epoch=2"
trained() { [[ "$(curl "$api/train")" == *'model trained with final acc in train'* ]]; }
within 30 trained || fail 'the training of /train does not end'
ok "the $calls calls of README.md, and /train, /predict and /pred of the published systems"
stop
! told 'with SIGKILL' || fail 'SIGTERM: a service had to be killed'
ok "SIGTERM at rest: both ended by themselves, after $ended s with exit code 0"

# No network, and an empty volume, on other ports; the download that is asked for fails.

started="$(clock)"
start full "$(volume empty)" STIMMUNG_ACCEPT_LICENCE=emodb STIMMUNG_LISTEN=0.0.0.0:5100 JUPYTER_PORT=8900
api=http://127.0.0.1:5100
jupyter=http://127.0.0.1:8900
within 60 is 200 "$api/ready" || fail 'the API does not answer'
within 60 is 200 "$jupyter/api" || fail 'JupyterLab does not answer'
took="$(seconds "$started")"
told 'emodb could not be fetched' || fail 'the download did not fail'
key="$(sed -n 's/^API key: \([^ ]*\) .*/\1/p' "$work/log")"
says '"name":"synth"' "$api/v1/corpora"
says '"truth":"anger"' --header 'content-type: application/json' --data '{"corpus": "synth", "id": "S01_anger_t01_1.wav"}' "$api/v1/predict"
job="$(curl --header 'content-type: application/json' --data '{"recipe": "default", "corpus": "synth"}' "$api/v1/train" | field id)"
finished() { [ "$(curl "$api/v1/jobs/$job" | field state)" = finished ]; }
within 60 finished || fail 'the training does not end'
inside "$image_health" >/dev/null || fail 'unhealthy on other ports'
ok "without network, the synthetic voices serve after $took s, and can be learned from"
comes_back api "$api/ready"
[ "$(grep --count 'emodb could not be fetched' "$work/log")" -eq 1 ] || fail 'the download was tried again'
for notebook in notebooks/*.ipynb; do
  [ -e "$notebook" ] || continue
  started="$(clock)"
  # What kernels of JupyterLab have.
  mapfile -d '' -t passed < <(grep --null-data '^STIMMUNG_' "/proc/$(process notebook)/environ")
  inside env "${passed[@]}" /opt/stimmung/python/bin/jupyter-nbconvert --execute --to notebook --output-dir /tmp --log-level WARN "/data/$notebook" \
    >"$work/notebook" 2>&1 || { tail -n 40 "$work/notebook" >&2; fail "$notebook does not run"; }
  ok "$notebook runs from top to bottom in $(seconds "$started") s"
done
stop

# JupyterLab alone, as compose.yaml has it.

start full "$(volume apart)" STIMMUNG_SERVICES=notebook STIMMUNG_URL=http://api:5000
jupyter=http://127.0.0.1:8888
within 60 is 200 "$jupyter/api" || fail 'JupyterLab does not answer'
inside "$image_health" >/dev/null || fail 'unhealthy, although all that was asked for answers'
grep --quiet --null-data --line-regexp STIMMUNG_URL=http://api:5000 "/proc/$init/environ" || fail 'the notebook has another address of the API'
stop
ok "JupyterLab apart from the API, and ended $ended s after SIGTERM with exit code 0"

# The slim image, with a download from a mirror. It has the name, the layout and the number of recordings; more is not looked at.

api=http://127.0.0.1:5000
site="$work/mirror/emodb.bilderbar.info/download"
mkdir -p "$site/wav"
number=0
for name in {03,08,09,10,11,12,13,14,15,16}{a01,a02,a04,a05,a07,b01,b02,b03}{A,E,F,L,N,T,W}a; do
  [ $((number++)) -lt 535 ] || break
  ln "$recording" "$site/wav/$name.wav"
done
(cd "$site" && python3 -c 'import shutil; shutil.make_archive("download", "zip", ".", "wav")')
python3 -m http.server --bind 127.0.0.1 --directory "$work/mirror" 8080 >/dev/null 2>&1 &
within 10 is 200 http://127.0.0.1:8080/ || fail 'the mirror does not answer'
start slim "$(volume fetched)" STIMMUNG_ACCEPT_LICENCE=emodb STIMMUNG_MIRROR=http://127.0.0.1:8080 STIMMUNG_OPEN=
within 60 is 200 "$api/ready" || fail 'the API does not answer'
key="$(sed -n 's/^API key: \([^ ]*\) .*/\1/p' "$work/log")"
says '"recordings":535' "$api/v1/corpora"
[ ! -e "$work/fetched/corpora/synth" ] || fail 'synthetic voices, although there is a corpus'
inside "$image_health" >/dev/null || fail 'unhealthy, although it answers'
says '"truth":' "$api/predict?sample=16a07Fa.wav"
stop
ok "the slim image fetches and serves a corpus, and ended $ended s after SIGTERM with exit code 0"

arguments=(--version)
start slim "$(volume unused)"
wait "$outer" || fail 'the program with arguments'
told "$("$binary" --version)" || fail 'another version'
ok 'with arguments, it is the program'
