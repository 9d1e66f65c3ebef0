#!/bin/sh
# install.sh DIR [PACKAGE_JSON]: installs the packages of package.json (default: the one beside this
# file) into DIR/node_modules. Does nothing, and needs no network, if they are there already.
set -eu
target=$1
source=${2:-$(dirname "$0")/package.json}
mkdir -p "$target"
if [ -d "$target/node_modules" ] && cmp -s "$source" "$target/installed.json"; then
  exit 0
fi
command -v npm >/dev/null || {
  echo "npm is not found: run deploy/install-deps, or install the packages nodejs and npm" >&2
  exit 1
}
cp "$source" "$target/package.json"
# What packages would like beside them (peers) is named in package.json if we use it.
npm install --prefix "$target" --prefer-offline --no-package-lock --legacy-peer-deps --ignore-scripts \
  --no-audit --no-fund || {
  echo "npm could not install the packages of $source: connect to the network once, then repeat" >&2
  exit 1
}
cp "$source" "$target/installed.json"  # last: an install that was cut short is repeated
