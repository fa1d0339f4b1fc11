#!/usr/bin/env bash
# Tries the whole as somebody who has just found it: in a clean Debian root with Rust, a clone of what is committed here, and nothing but the commands of
# README.md; as a user without rights. Says how long each step took. It builds everything anew, so it takes a while and some memory. Needs root, Linux,
# and the network for Debian's packages and crates.
# Usage: scripts/try-as-new-user.sh [TOOLCHAIN]   (the folder that `rustc --print sysroot` names)
set -euo pipefail

toolchain="$(realpath "${1:-$(rustc --print sysroot)}")"
cd "$(dirname "$0")/.."
source scripts/clock.sh
source scripts/debian-root.sh
root=/mnt

# The commands, as README.md prints them.
quickstart="$(sed -n 's/^    \(cargo run .* quickstart\)$/\1/p' README.md)"
find_program="$(sed -n 's/^    \(export PATH=.*\)$/\1/p' README.md)"
synthesise="$(sed -n 's/^\(stimmung corpus synth [^ ]*\) .*/\1/p' README.md)"
[[ -n "$quickstart" && -n "$find_program" && -n "$synthesise" ]] || { echo 'README.md lacks commands that are looked for' >&2; exit 1; }

# step WHAT COMMANDS: in the clone, as the new user. What they say goes to standard error, how long they took to standard output.
step() {
  local started
  started="$(clock)"
  in_root "$root" runuser --user newcomer -- env HOME=/home/newcomer PATH=/opt/rust/bin:/usr/local/bin:/usr/bin:/bin \
    bash -euo pipefail -c "cd ~; [ ! -d stimmung ] || cd stimmung; $find_program; $2" >&2 || { echo "failed: $1"; exit 1; }
  printf 'ok %8s s  %s\n' "$(seconds "$started")" "$1"
}

case "${2:-}" in
  '')
    needs_root
    isolated "$0" "$toolchain" build
    exit
    ;;
  build)
    # In memory, and gone with the namespace.
    mount -t tmpfs -o size=12g,mode=755 tmpfs "$root"
    debian_root "$root"
    in_root "$root" sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends \
      ca-certificates curl gcc git libc6-dev && useradd --create-home newcomer' >&2
    mkdir "$root/opt/rust"
    mount --bind -o ro "$toolchain" "$root/opt/rust"
    # Git only clones what belongs to oneself.
    git clone --quiet --bare . "$root/srv/stimmung.git"
    in_root "$root" chown --recursive newcomer /srv/stimmung.git

    step 'git clone' 'git clone --quiet /srv/stimmung.git stimmung'
    step "$quickstart" "$quickstart"
    # The rest needs no network, and on one of its own no port is taken.
    exec unshare --net "$0" "$toolchain" use
    ;;
  use) ip link set lo up ;;
esac

step "$synthesise" "$synthesise"
# The commands are for the shell in there.
# shellcheck disable=SC2016
{
  step 'stimmung predict' 'stimmung predict "$(ls voices/*.wav | head -n 1)"'
  step 'a report' '[ -e runs/*/report.html ] || stimmung report runs/*/'
  step 'stimmung serve, until the page answers' '
    stimmung serve & trap "kill $!" EXIT
    for _ in $(seq 100); do
      page="$(curl --silent --header "accept: text/html" http://127.0.0.1:5000/ || true)"
      [ -z "$page" ] || break
      sleep 0.1
    done
    [[ "$page" == *"<title>"* ]]'
}
