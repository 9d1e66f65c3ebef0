#!/bin/sh
# install.sh DIR: installs the packages of package.json into DIR/node_modules. Does nothing, and needs
# no network, if they are there already.
set -eu
source=$(dirname "$0")/package.json
target=$1
mkdir -p "$target"
if [ -d "$target/node_modules" ] && cmp -s "$source" "$target/installed.json"; then
  exit 0
fi
command -v npm >/dev/null || {
  echo "npm is not found: run deploy/install-deps, or install the packages nodejs and npm" >&2
  exit 1
}
cp "$source" "$target/package.json"
npm install --prefix "$target" --prefer-offline --no-package-lock --ignore-scripts --no-audit --no-fund || {
  echo "npm could not install the foreign clients: connect to the network once, then repeat" >&2
  exit 1
}
cp "$source" "$target/installed.json"  # last: an install that was cut short is repeated
