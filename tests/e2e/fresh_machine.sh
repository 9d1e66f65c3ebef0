#!/usr/bin/env bash
# Proves the first promise of the README on this machine; see usage(). Not part of `ctest`, because it
# needs root, makes a user and builds three clones; e2e/dev/deploy_run there installs and builds nothing.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: tests/e2e/fresh_machine.sh [--working-tree] [--with-tests] [SCENARIO...]

Clones this repository and runs deploy/run on a terminal, as people do, in these scenarios:

  root     as root, in a home that only root can enter
  user     as a new plain user
  offline  as root, in a network namespace that has nothing but loopback

In each, the printed commands must work, Ctrl-C and SIGTERM must end with exit code 0 and leave no
process, and a second start must find the data of the first. Needs root, curl and iproute2.

  --working-tree  take the files as they are now, not the last commit
  --with-tests    also run tests/run in each scenario
TEXT
}

checkout=$(dirname "$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")")
readonly checkout
readonly user=auth-fresh-$$ namespace=auth-fresh-$$
# Kept, so that only the first run compiles. Open to all, as the plain user shares it.
export CCACHE_DIR=/var/tmp/auth_service_fresh_ccache CCACHE_UMASK=000

with_tests=false working_tree=false
work=            # holds the clones; removed at the end
terminal_pid=    # of script(1), which gives deploy/run a terminal
leftover_data=() # data directories outside of $work

say() { printf '%s: %s\n' "$scenario" "$*"; }
die() {
  printf 'FAILED: %s: %s\n' "$scenario" "$*" >&2
  if [[ -f $work/log ]]; then tail -n 30 "$work/log" >&2; fi
  exit 1
}

clean_up() {
  if [[ -n $terminal_pid ]]; then kill -KILL "$terminal_pid" 2>/dev/null || true; fi
  ip netns delete "$namespace" 2>/dev/null || true
  if id "$user" >/dev/null 2>&1; then userdel "$user" || true; fi
  rm -rf -- "$work" "${leftover_data[@]}"
}

# clone DIRECTORY: what somebody gets who clones us.
clone() {
  mkdir -p "$1"
  if $working_tree; then
    git -C "$checkout" ls-files --cached --others --exclude-standard -z |
      tar --directory "$checkout" --create --null --files-from - --ignore-failed-read 2>/dev/null |
      tar --directory "$1" --extract
  else
    git clone --quiet "$checkout" "$1"
  fi
}

# wait_until SECONDS WHAT COMMAND...
wait_until() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    if ((SECONDS > end)); then die "waited in vain until $what"; fi
    sleep 0.2
  done
}

# The pids whose command line names one of these directories.
processes_in() {
  local directory
  for directory in "$@"; do
    grep -laF -- "$directory" /proc/[0-9]*/cmdline 2>/dev/null || true
  done | cut -d/ -f3 | sort -u | grep -vxF -- "$$" || true
}

# Types into a fifo what a person would type.
start() {
  rm -f "$work/keyboard" "$work/log"
  mkfifo "$work/keyboard"
  # The shell of script(1) becomes deploy/run, which becomes the server.
  script --quiet --flush --return --command \
    "cd '$home/clone' && exec ${enter[*]} deploy/run --listen 127.0.0.1:0 --http-listen 127.0.0.1:0 --ops-listen 127.0.0.1:0" \
    "$work/log" <"$work/keyboard" >/dev/null &
  terminal_pid=$!
  exec 9>"$work/keyboard"
  wait_until 1200 "the server is ready" ready_or_dead
  if ! grep -q 'auth_server is ready' "$work/log"; then die "deploy/run ended early"; fi
  data_dir=$(sed -n 's/.*the data stays in \([^\r]*\)\r*$/\1/p' "$work/log")
  if [[ $data_dir != "$work"/* ]]; then leftover_data+=("$data_dir"); fi
}

ready_or_dead() {
  grep -q '  curl http.*/readyz' "$work/log" 2>/dev/null || ! kill -0 "$terminal_pid" 2>/dev/null
}

# printed WORD: the command with this word that deploy/run tells people to copy.
printed() { tr -d '\r' <"$work/log" | grep -m1 "^  .*$1"; }

in_second_terminal() {
  "${enter[@]}" bash -c "cd '$home/clone' && $1" || die "did not work: $1"
}

check_ended() {
  local code=0 left
  wait "$terminal_pid" || code=$?
  terminal_pid=
  exec 9>&-
  if ((code != 0)); then die "exit code $code after $1"; fi
  left=$(processes_in "$data_dir" "$home")
  if [[ -n $left ]]; then die "left after $1: $(tr '\0' ' ' <"/proc/${left%%$'\n'*}/cmdline")"; fi
}

# Uses $scenario, $home and $enter: a command that leads into the scenario.
prove() {
  local seconds=$SECONDS
  clone "$home/clone"
  # What the tests take from npm counts as installed: offline it cannot come.
  if $with_tests; then
    "$home/clone/tests/e2e/foreign/install.sh" "$home/clone/build/release/npm" >/dev/null
  fi
  chown -R "$owner:" "$home"

  start
  say "ready after $((SECONDS - seconds)) s, data in $data_dir"
  in_second_terminal "$(printed 'curl http.*/readyz')"
  in_second_terminal "$(printed 'curl http.*/auth/signup') | grep '\"sessionToken\":'"
  in_second_terminal "$(printed 'authctl.* register')"
  in_second_terminal "$(printed 'authctl.* pool status')"
  printf '\003' >&9
  check_ended Ctrl-C

  seconds=$SECONDS
  start
  say "ready again after $((SECONDS - seconds)) s"
  in_second_terminal "$(printed 'authctl.* register' | sed 's/ register / sign-in /')"
  in_second_terminal "$(printed 'authctl.* pool status')"
  # script(1)'s only child is the server by now.
  kill -TERM "$(<"/proc/$terminal_pid/task/$terminal_pid/children")"
  check_ended SIGTERM

  if $with_tests; then
    "${enter[@]}" bash -c "cd '$home/clone' && tests/run" || die "tests/run failed"
  fi
  say passed
}

prepare_root() {
  owner=root
  enter=(env "HOME=$home")
}

prepare_user() {
  useradd --no-create-home --home-dir "$home" --shell /bin/bash "$user"
  owner=$user
  # Not runuser, which stays in between and answers signals itself.
  enter=(setpriv "--reuid=$user" "--regid=$user" --init-groups env "HOME=$home")
}

prepare_offline() {
  ip netns add "$namespace"
  ip -n "$namespace" link set lo up
  owner=root
  enter=(ip netns exec "$namespace" env "HOME=$home")
}

main() {
  local scenarios=()
  while (($# > 0)); do
    case $1 in
      --working-tree) working_tree=true ;;
      --with-tests) with_tests=true ;;
      root | user | offline) scenarios+=("$1") ;;
      *)
        usage
        exit 2
        ;;
    esac
    shift
  done
  scenario=start
  if ((EUID != 0)); then die "needs root"; fi
  if ((${#scenarios[@]} == 0)); then scenarios=(root user offline); fi

  trap clean_up EXIT
  work=$(mktemp -d /var/tmp/auth-fresh.XXXXXX)
  chmod 0755 "$work"
  mkdir -p "$CCACHE_DIR"
  chmod 0777 "$CCACHE_DIR"

  local scenario home owner enter data_dir
  for scenario in "${scenarios[@]}"; do
    home=$work/$scenario
    mkdir -m 0700 "$home"
    "prepare_$scenario"
    prove
  done
}

main "$@"
