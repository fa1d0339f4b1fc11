# shellcheck shell=bash
# For the scripts beside it, which read it in after debian-root.sh: carries out docker/Dockerfile without a container engine. It knows the
# instructions that stand there and fails at others, so that what is checked is what is written there.

# shellcheck disable=SC2034,SC2154 # The variables are those of the scripts that read it in, and `cache` is debian-root.sh's.

# instructions TARGET: those of a stage, after those of the stages that it is made from.
instructions() {
  local joined parent
  joined="$(sed -e '/^[[:space:]]*#/d' -e '/^[[:space:]]*$/d' -e ':join' -e '/\\$/{N;s/\\\n//;b join' -e '}' docker/Dockerfile)"
  parent="$(awk -v stage="$1" '$1 == "FROM" && $4 == stage { print $2 }' <<<"$joined")"
  case "$parent" in
    '') echo "docker/Dockerfile has no stage $1" >&2; return 1 ;;
    # Debian itself: the clean root.
    \$\{DEBIAN\}) ;;
    *) instructions "$parent" ;;
  esac
  awk -v stage="$1" '$1 == "FROM" { inside = $4 == stage; next } inside' <<<"$joined"
}

# make_image TARGET FOLDER BINARY: the image's files in the folder. What comes before the binary is kept for the next time.
make_image() {
  local target="$1" root="$2" binary="$3" all line kept='' key
  all="$(instructions "$target")"
  key="$(before_binary <<<"$all" | fingerprint)"
  kept="$cache/$target-$key.tar"
  if [ -e "$kept" ]; then
    mkdir -p "$root"
    tar --extract --numeric-owner --file "$kept" --directory "$root"
  else
    debian_root "$root"
    while read -r line; do carry_out "$line" "$root" "$binary"; done < <(before_binary <<<"$all")
    rm -f "$cache/$target"-*.tar
    keep_root "$root" "$kept"
  fi
  while read -r line; do carry_out "$line" "$root" "$binary"; done < <(sed '1,/^COPY --from=build/{/^COPY --from=build/!d}' <<<"$all")
}

# describe_image TARGET: what it says of its containers, as $image_environment, $image_user, $image_entrypoint and $image_health. Lists have one
# element.
describe_image() {
  local line value
  image_user=root image_entrypoint='' image_health=''
  image_environment=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
  while read -r line; do
    value="${line#* }"
    case "$line" in
      ENV\ *) image_environment+=("${value//\"/}") ;;
      USER\ *) image_user="$value" ;;
      ENTRYPOINT\ *) image_entrypoint="$(only_element "$value")" ;;
      HEALTHCHECK\ *) image_health="$(only_element "$value")" ;;
    esac
  done < <(instructions "$1")
}

before_binary() { sed '/^COPY --from=build/,$d'; }

# fingerprint: of instructions and the files that they copy.
fingerprint() {
  local text sources
  text="$(cat)"
  sources="$(sed -n 's/^COPY \(.*\) [^ ]*$/\1/p' <<<"$text")"
  # Several names and patterns stand in one line.
  # shellcheck disable=SC2086
  { echo "$text"; cat $sources; } | sha256sum | cut -c 1-16
}

# carry_out INSTRUCTION FOLDER BINARY: what changes files.
carry_out() {
  local root="$2" binary="$3" words
  # Patterns are to be matched.
  # shellcheck disable=SC2206
  words=($1)
  local last=$((${#words[@]} - 1))
  case "${words[0]}" in
    COPY)
      local to="$root${words[$last]}"
      if [ "${words[1]}" = --from=build ]; then
        install -D --target-directory "$to" "$binary"
      elif [ -d "${words[1]}" ]; then
        mkdir -p "$to"
        cp --recursive --no-target-directory --preserve=mode "${words[1]}" "$to"
      else
        mkdir -p "$to"
        cp --preserve=mode "${words[@]:1:last-1}" "$to"
      fi
      ;;
    RUN)
      in_root "$root" sh -c "${1#RUN }" </dev/null >"$root.log" 2>&1 || {
        tail -n 40 "$root.log" >&2
        echo "failed: $1" >&2
        return 1
      }
      ;;
    ENV | USER | ENTRYPOINT | HEALTHCHECK | VOLUME | EXPOSE) ;;
    *) echo "docker/Dockerfile: nothing here knows ${words[0]}" >&2; return 1 ;;
  esac
}

only_element() {
  local list="${1#*\[\"}"
  echo "${list%\"\]}"
}
