#!/usr/bin/env bash
# Builds the container image where there is no registry; see usage().
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/e2e/image/build_image.sh FOLDER

Builds deploy/Dockerfile by buildah, as root, and writes FOLDER/image.tar (a docker archive). The
Debian that the Dockerfile names is made from this machine's Debian mirror, and kept for the next
time as FOLDER/debian.tar. The compiler cache is this machine's.
TEXT
}

readonly RELEASE=bookworm
checkout=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../../..")
readonly checkout

say() { printf 'build_image.sh: %4d s: %s\n' "$SECONDS" "$*"; }
# Without --one-file-system a mount that an interrupted build left would be emptied.
remove() { rm -rf --one-file-system -- "$@"; }

# Where this machine gets Debian from, as lines of sources.list for our release.
sources() {
  local own
  own=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
  # shellcheck disable=SC2016  # the fields are apt's
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)' \
    'Created-By: Packages' |
    sed -nE "s/^([^ ]+) $own(-updates|-security)? main Debian$/deb \1 $RELEASE\2 main/p"
}

# What debian:bookworm-slim holds, as far as it matters here.
make_debian() {
  local root=$folder/debian log=$folder/debootstrap.log mirror
  mirror=$(sources | awk -v release=$RELEASE '$3 == release { print $2; exit }')
  remove "$root"
  if ! debootstrap --variant=minbase "$RELEASE" "$root" ${mirror:+"$mirror"} >"$log"; then
    cat "$log" >&2
    return 1
  fi
  if [[ -n $mirror ]]; then sources >"$root/etc/apt/sources.list"; fi
  # Packages start no service.
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 0755 "$root/usr/sbin/policy-rc.d"
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  tar --directory "$root" --create --file "$folder/debian.tar.part" .
  remove "$root"
  mv "$folder/debian.tar.part" "$folder/debian.tar"
}

own_buildah() {
  local command=$1
  shift
  TMPDIR=$storage/tmp buildah --root "$storage/root" --runroot "$storage/run" --storage-driver vfs \
    "$command" "$@"
}

import_debian() {
  local container
  container=$(own_buildah from scratch)
  own_buildah add --quiet "$container" "$folder/debian.tar" / >/dev/null
  own_buildah commit --quiet --rm "$container" "debian:$RELEASE-slim" >/dev/null
}

build() {
  local cache
  cache=$(ccache --get-config cache_dir)
  # That is where buildah looks for what `RUN --mount=type=cache,id=ccache` names.
  mkdir -p "$cache" "$storage/tmp/buildah-cache"
  ln -s "$cache" "$storage/tmp/buildah-cache/ccache"
  own_buildah bud --pull-never --isolation chroot --network host --layers=false --format docker \
    --build-arg "REVISION=$(git -C "$checkout" rev-parse HEAD || echo unknown)" \
    --file "$checkout/deploy/Dockerfile" --tag auth_service "$checkout"
}

main() {
  if (($# != 1)); then
    usage >&2
    exit 2
  fi
  mkdir -p "$1"
  folder=$(readlink -f "$1")
  storage=$folder/storage
  trap 'remove "$storage"' EXIT
  remove "$storage" "$folder/image.tar"

  if [[ ! -f $folder/debian.tar ]]; then make_debian; fi
  say 'Debian is here'
  mkdir -p "$storage/tmp"
  import_debian
  say 'Debian is imported'
  build
  say 'the image is built'
  own_buildah push --quiet auth_service \
    "docker-archive:$folder/image.tar:localhost/auth_service:test"
}

main "$@"
