#!/usr/bin/env bash
# A Debian 13 to build and test in; see usage().
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/support/debian_13.sh COMMAND [ARGUMENT...]

Runs a command in a Debian 13 that lives in build/debian-13/: its files in root/, and in build/ what
stands there for this checkout's build/. The first call makes it with debootstrap, from the mirror
that this machine's apt uses. It sees this checkout, read-only, as /auth_service, where the command
starts, and has the network and the ccache of this machine. Needs root.

  tests/run --debian-13                         the test suite
  tests/support/debian_13.sh deploy/build dev   any other command
  tests/support/debian_13.sh bash               a look around

To start anew, with the packages of today, remove build/debian-13.
TEXT
}

die() {
  printf 'tests/support/debian_13.sh: %s\n' "$*" >&2
  exit 1
}

checkout=$(dirname "$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")")
readonly checkout place=$checkout/build/debian-13
readonly root=$place/root ccache=${CCACHE_DIR:-${HOME:-/root}/.cache/ccache}

# The mirror that apt here takes Debian itself from; nothing if there is none.
# shellcheck disable=SC2016  # the field is apt-get's
mirror() { apt-get indextargets --format '$(REPO_URI)' 'Label: Debian' | sed -n 1p; }

make_root() {
  local mirror unfinished=$root.unfinished
  mirror=$(mirror)
  if [[ -z $mirror ]]; then
    apt-get update -qq || true # perhaps apt has no lists yet
    mirror=$(mirror)
  fi
  if [[ -z $mirror ]]; then die "no mirror of Debian is among the sources of this machine's apt."; fi

  rm -rf --one-file-system "$unfinished"
  debootstrap --variant=minbase trixie "$unfinished" "$mirror" ||
    die "debootstrap could not make a Debian 13; the reason is above, or in" \
      "$unfinished/debootstrap/debootstrap.log."
  # The servers among the packages must not start: their ports are those of this machine.
  printf '#!/bin/sh\nexit 101\n' >"$unfinished/usr/sbin/policy-rc.d"
  chmod +x "$unfinished/usr/sbin/policy-rc.d"
  echo 'APT::Keep-Downloaded-Packages "false";' >"$unfinished/etc/apt/apt.conf.d/90auth_service"
  mkdir -p "$unfinished/auth_service" "$unfinished/root/.cache/ccache"
  mv "$unfinished" "$root"
}

# How this machine finds others, and whom it trusts.
copy_network_settings() {
  local file
  for file in /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt; do
    if [[ ! -e $file ]]; then continue; fi
    mkdir -p "$root$(dirname "$file")"
    cp --dereference "$file" "$root$file"
  done
}

# In namespaces of our own, so that the mounts and all processes end with the command.
enter() {
  if [[ ! -d $root ]]; then make_root; fi
  copy_network_settings

  mkdir -p "$place/build" "$ccache"
  mount --bind "$root" "$root" # tests make the mounts below / private, so / must be one
  mount -t proc proc "$root/proc"
  mount --rbind /sys "$root/sys"
  mount --rbind /dev "$root/dev"
  mount --bind -o ro "$checkout" "$root/auth_service"
  mount --bind "$place/build" "$root/auth_service/build"
  mount --bind "$ccache" "$root/root/.cache/ccache"
  # Not exec: as process 1 the command would be deaf to Ctrl-C.
  chroot "$root" env --chdir=/auth_service --unset=TMPDIR --unset=CCACHE_DIR \
    HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

main() {
  case ${1:-} in
    -h | --help)
      usage
      return
      ;;
    '')
      usage >&2
      exit 2
      ;;
    --in-namespaces)
      enter "${@:2}"
      return
      ;;
  esac
  if ((EUID != 0)); then die "needs root: try sudo."; fi
  "$checkout/deploy/install-deps" --tests
  # Not exec: when this script ends, in whatever way, so does all that it started.
  setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child -- \
    "$checkout/tests/support/debian_13.sh" --in-namespaces "$@"
}

main "$@"
