#!/bin/sh
# A script of an operator: one user's whole session by authctl, judged by exit codes and output.
# Usage: authctl_session.sh AUTHCTL HOST:PORT
set -eu
authctl=$1
export AUTHCTL_SERVER="$2"
email="operator.$$@example.com"
password='correct horse battery staple'

fail() {
  echo "authctl: $1" >&2
  exit 1
}
# refused CODE TEXT COMMAND...: the command must end with CODE and say TEXT. Reads the password.
refused() {
  expected=$1 text=$2
  shift 2
  code=0
  said=$(printf '%s\n' "$password" | "$@" 2>&1) || code=$?
  [ "$code" -eq "$expected" ] || fail "$* ended with $code, not $expected: $said"
  case $said in *"$text"*) ;; *) fail "$* did not say $text: $said" ;; esac
}
field() { sed -n "s/^$1: *//p"; }

for service in '' auth.v1.AuthService database; do "$authctl" health "$service"; done

registered=$(printf '%s\n' "$password" | "$authctl" register "$email" --password-stdin)
signed_in=$(printf '%s\n' "$password" | "$authctl" sign-in "$email" --password-stdin)
user=$(echo "$registered" | field user)
[ "$user" = "$(echo "$signed_in" | field user)" ] || fail 'sign-in is of another user'

AUTHCTL_TOKEN=$(echo "$signed_in" | field token)
export AUTHCTL_TOKEN
[ "$user" = "$("$authctl" validate | field user)" ] || fail 'the session is of another user'

refused 1 EMAIL_ALREADY_REGISTERED "$authctl" register "$email" --password-stdin
refused 1 'email: ' "$authctl" register nobody --password-stdin
"$authctl" sign-out
refused 1 SESSION_INVALID "$authctl" validate
"$authctl" sign-out
password=wrong
refused 1 INVALID_CREDENTIALS "$authctl" sign-in "$email" --password-stdin
echo 'authctl: all answers are as published'
