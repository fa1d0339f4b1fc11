# shellcheck shell=bash
# For the scripts beside it, which read it in: clean Debian roots, and what runs in them. Roots are made in memory, in a namespace of mounts and
# processes (`isolated`): they end with it, whatever happens, and nothing has to be unmounted or removed on the machine itself.
cache="${CARGO_TARGET_DIR:-$PWD/target}/container"

needs_root() {
  [ "$(id -u)" -eq 0 ] || { echo 'this needs root: it mounts, and changes its root folder' >&2; exit 1; }
  local missing=()
  command -v debootstrap >/dev/null || missing+=(debootstrap)
  command -v ip >/dev/null || missing+=(iproute2)
  if [ ${#missing[@]} -gt 0 ]; then
    apt-get update --quiet=2
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 --no-install-recommends "${missing[@]}" >/dev/null
  fi
}

# isolated [OPTIONS OF unshare...] COMMAND...: with mounts and processes of its own, which end with it.
isolated() {
  unshare --mount --pid --fork --kill-child --mount-proc "$@"
}

# debian_root FOLDER: a clean Debian bookworm, with nothing but what every Debian has.
debian_root() {
  local kept="$cache/bookworm.tar"
  mkdir -p "$cache" "$1"
  if [ ! -e "$kept" ]; then
    debootstrap --variant=minbase bookworm "$1" >"$cache/debootstrap.log" || { tail -n 20 "$cache/debootstrap.log" >&2; exit 1; }
    # Packages that are installed already; images leave them out as well.
    rm -rf "$1/var/cache/apt" "$1/var/lib/apt/lists"
    keep_root "$1" "$kept"
    return
  fi
  tar --extract --numeric-owner --file "$kept" --directory "$1"
}

# keep_root FOLDER ARCHIVE: appears whole or not at all.
keep_root() {
  tar --create --numeric-owner --one-file-system --file "$2.part" --directory "$1" .
  mv "$2.part" "$2"
}

# in_root FOLDER COMMAND...: as root in the folder, with /proc and this machine's way to the network: its resolver, its proxies and indexes where
# the environment names some, and the certificates that it trusts.
in_root() {
  local root="$1" name passed=() certificates="${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt}"
  shift
  for name in PIP_INDEX_URL PIP_EXTRA_INDEX_URL http_proxy https_proxy no_proxy; do
    [ -z "${!name:-}" ] || passed+=("$name=${!name}")
  done
  cp /etc/resolv.conf /etc/hosts "$root/etc/"
  if [ -e "$certificates" ]; then
    cp "$certificates" "$root/tmp/certificates.crt"
    passed+=(PIP_CERT=/tmp/certificates.crt CARGO_HTTP_CAINFO=/tmp/certificates.crt)
  fi
  unshare --mount --pid --fork --kill-child --root="$root" --mount-proc \
    env --ignore-environment PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "${passed[@]}" "$@"
}
