#!/usr/bin/env bash
# One user's whole session by curl, and everything that HTTP can say wrong.
# Usage: curl_session.sh HTTP_HOST:PORT [ORIGIN]
# ORIGIN is the web origin that the server lets in; without it the server must let none in.
set -euo pipefail

readonly url=http://$1 origin=${2:-}
readonly password=violet-Tundra-47-kettle email=curl.$$@example.com
readonly json='Content-Type: application/json'

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

fail() {
  printf 'curl: %s\n--- the answer was\n' "$1" >&2
  cat "$work/headers" "$work/body" >&2
  exit 1
}

# ask STATUS PATH [CURL-OPTION...]: sets $body; the answer must have this status.
ask() {
  local expected=$1 path=$2 status
  shift 2
  : >"$work/body"
  status=$(curl --silent --show-error --max-time 30 --dump-header "$work/headers" \
    --output "$work/body" --write-out '%{http_code}' "$@" "$url$path")
  cat "$work/headers" "$work/body" >>"$work/all"
  body=$(<"$work/body")
  [[ $status == "$expected" ]] || fail "$* $path: status $status, not $expected"
}

# header NAME: its value in the last answer; empty if it is not there.
header() {
  tr -d '\r' <"$work/headers" | sed -n "s/^$1: //Ip"
}

# expect_header NAME VALUE
expect_header() {
  [[ $(header "$1") == "$2" ]] || fail "$1 is not $2"
}

# expect_error CODE [REASON]: the last answer is a Connect error.
expect_error() {
  expect_header Content-Type application/json
  [[ $body =~ ^\{\"code\":\"$1\",\"message\":\"[^\"]+\"(,\"details\":.*)?\}$ ]] || fail "no $1"
  if (($# > 1)); then
    [[ $body == *"\"reason\":\"$2\",\"domain\":\"auth.v1\""* ]] || fail "the reason is not $2"
  fi
  [[ -n $(header X-Request-Id) ]] || fail 'no X-Request-Id'
}

# The published shape, to the letter: every key, in this order, and nothing else.
expect_user_and_session() {
  local uuid='[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}'
  local time='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z'
  local user='\{"id":"('$uuid')","email":"'${email//./\\.}'","emailVerified":null,'
  user+='"createdAt":"'$time'","updatedAt":"'$time'"\}'
  local session='\{"id":"'$uuid'","userId":"('$uuid')","expires":"'$time'"'
  session+=$1'\}'
  [[ $body =~ ^\{\"user\":$user,\"session\":$session\}$ ]] || fail 'not the published shape'
  [[ ${BASH_REMATCH[1]} == "${BASH_REMATCH[4]}" ]] || fail 'the session is of another user'
  expect_header Content-Type application/json
  expect_header Cache-Control no-store
}

# credentials E-MAIL PASSWORD: the body of signup and signin.
credentials() { printf '{"email":"%s","password":"%s"}' "$1" "$2"; }

use_session() {
  local issued=',"sessionToken":"([A-Za-z0-9_-]{43})"' token
  ask 200 /auth/signup -H "$json" -d "$(credentials "$email" "$password")"
  expect_user_and_session "$issued"
  ask 409 /auth/signup -H "$json" -d "$(credentials "${email^^}" "$password")"
  expect_error already_exists EMAIL_ALREADY_REGISTERED

  ask 401 /auth/signin -H "$json" -d "$(credentials "$email" "not-$password")"
  expect_error unauthenticated INVALID_CREDENTIALS
  expect_header WWW-Authenticate Bearer
  ask 200 /auth/signin -H "$json" -d "$(credentials "$email" "$password")"
  expect_user_and_session "$issued"
  token=${body#*\"sessionToken\":\"}
  token=${token%%\"*}

  ask 200 /auth/session -H "Authorization: Bearer $token"
  expect_user_and_session ''
  ask 200 /auth.v1.AuthService/ValidateSession -H "$json" -d "{\"sessionToken\":\"$token\"}"
  expect_user_and_session ''
  ask 200 /auth/signout -X POST -H "Authorization: Bearer $token"
  [[ $body == '{}' ]] || fail 'signout says something'
  ask 401 /auth/session -H "Authorization: Bearer $token"
  expect_error unauthenticated SESSION_INVALID
  ask 200 /auth/signout -X POST -H "Authorization: Bearer $token"
  ask 401 /auth/session
  expect_error unauthenticated SESSION_INVALID
}

send_nonsense() {
  local text
  for text in '' '{' '[]' 'null' '"text"' '{"email":1}' '{"email":{}}' $'{"email":"\xff"}' "$password"; do
    ask 400 /auth/signup -H "$json" --data-binary "$text"
    expect_error invalid_argument INVALID_FIELDS
  done
  ask 400 /auth/signup -H "$json" -d '{"email":"nobody","password":"","unknown":{"is":["ignored"]}}'
  expect_error invalid_argument INVALID_FIELDS
  [[ $body == *'"field":"email"'*'"field":"password"'* ]] || fail 'not every field is named'

  ask 415 /auth/signup -d "$(credentials "$email" "$password")"
  expect_error invalid_argument
  [[ $(header Accept-Post) == *application/json* ]] || fail 'which media types?'
  ask 415 /auth/signup -H 'Content-Type: text/plain' -d "$(credentials "$email" "$password")"
  expect_error invalid_argument
  ask 409 /auth/signup -H 'Content-Type: Application/JSON; charset=utf-8' \
    -d "$(credentials "$email" "$password")"

  # With its length, and without, which shows only while it comes in.
  head -c 100000 /dev/zero | tr '\0' ' ' >"$work/large"
  ask 413 /auth/signup -H "$json" --data-binary "@$work/large"
  expect_error resource_exhausted
  ask 413 /auth/signup -H "$json" -H 'Transfer-Encoding: chunked' --data-binary "@$work/large"
  expect_error resource_exhausted
}

ask_wrongly() {
  ask 404 /
  expect_error unimplemented
  ask 404 /auth.v1.AuthService/Nothing -H "$json" -d '{}'
  expect_error unimplemented
  ask 405 /auth/signup
  expect_error unimplemented
  expect_header Allow POST
  ask 405 /auth.v1.AuthService/GetUser?encoding=json
  expect_header Allow POST
  ask 405 /auth/session -H "$json" -d '{}'
  expect_header Allow GET
  ask 405 /auth/signup -X DELETE
  expect_error unimplemented
  [[ $(header Allow) == *POST* ]] || fail 'which methods?'
  ask 405 /auth/session --head
  [[ $(header Allow) == *GET* ]] || fail 'which methods?'

  ask 401 /auth/session -H 'X-Request-Id: from.curl-1'
  expect_header X-Request-Id from.curl-1
  ask 401 /auth/session -H 'X-Request-Id: no id at all'
  [[ $(header X-Request-Id) =~ ^[0-9a-f-]{36}$ ]] || fail 'takes any X-Request-Id'
}

# preflight ORIGIN STATUS: what a browser asks before a page of this origin may call.
preflight() {
  ask "$2" /auth/signup -X OPTIONS -H "Origin: $1" -H 'Access-Control-Request-Method: POST' \
    -H 'Access-Control-Request-Headers: content-type'
}

call_from_page() {
  local allowed=Access-Control-Allow-Origin stranger=https://stranger.example
  if [[ -z $origin ]]; then
    preflight "$stranger" 405
  else
    preflight "$origin" 204
    expect_header "$allowed" "$origin"
    [[ $(header Access-Control-Allow-Headers) == *Content-Type* ]] || fail 'no Content-Type allowed'
    [[ $(header Access-Control-Allow-Methods) == *POST* ]] || fail 'no POST allowed'
    ask 401 /auth/session -H "Origin: $origin"
    expect_header "$allowed" "$origin"
    expect_header Vary Origin
    preflight "$stranger" 204
  fi
  [[ -z $(header "$allowed") ]] || fail 'lets a stranger in'
  ask 401 /auth/session -H "Origin: $stranger"
  [[ -z $(header "$allowed") ]] || fail 'lets a stranger in'
}

use_session
send_nonsense
ask_wrongly
call_from_page
! grep --quiet --ignore-case "$password" "$work/all" || fail 'an answer holds a password'
echo 'curl: all answers are as published'
