#!/bin/sh
# An operator's look at the database pool by authctl, judged by exit codes and output.
# Usage: authctl_pool_session.sh AUTHCTL HOST:PORT [TOKEN_FILE]
# Without TOKEN_FILE the server must know no token at all.
set -eu
authctl=$1
export AUTHCTL_SERVER="$2"
token_file=${3:-}

fail() {
  echo "authctl pool: $1" >&2
  exit 1
}
# says TEXT OUTPUT
says() {
  case $2 in *"$1"*) ;; *) fail "does not say $1: $2" ;; esac
}
# refused CODE TEXT COMMAND...: the command must end with CODE and say TEXT.
refused() {
  expected=$1 text=$2
  shift 2
  code=0
  said=$("$@" 2>&1 </dev/null) || code=$?
  [ "$code" -eq "$expected" ] || fail "$* ended with $code, not $expected: $said"
  says "$text" "$said"
}

for command in status watch recreate; do
  # Where nobody can be asked for it, a token must be given.
  refused 2 --token-file setsid "$authctl" pool "$command"
  refused 1 --service-tokens-file env AUTHCTL_SERVICE_TOKEN=wrong "$authctl" pool "$command"
  refused 1 '"reason":"CALLER_NOT_ALLOWED"' \
    env AUTHCTL_SERVICE_TOKEN=wrong "$authctl" pool "$command" --json
done
refused 2 /nowhere/token "$authctl" pool status --token-file /nowhere/token

if [ -n "$token_file" ]; then
  status=$("$authctl" pool status --token-file "$token_file")
  for text in 'server       ready' 'database     up' 'breaker      closed' ' of 10' 'generation   1'; do
    says "$text" "$status"
  done
  status=$("$authctl" pool status --json --token-file "$token_file")
  says '"ready":true,"database":"DATABASE_STATE_UP"' "$status"
  says 'generation 2' "$("$authctl" pool recreate --token-stdin <"$token_file")"
  says '{"generation":3}' "$("$authctl" pool recreate --json --token-file "$token_file")"
  watched=$(timeout --signal INT 10 "$authctl" pool watch --json --token-file "$token_file" | head -n 2)
  [ "$(echo "$watched" | grep -c '"generation":3')" -eq 2 ] || fail "did not watch: $watched"
fi
echo 'authctl pool: all answers are as published'
