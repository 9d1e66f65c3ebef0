#!/usr/bin/env bash
# run_image_test.sh COMMAND...: the first process of the namespaces that CMakeLists.txt makes. Runs
# the command with their own loopback device and shared memory, and reaps what it orphans.
set -euo pipefail
ip link set lo up
mount -t tmpfs tmpfs /dev/shm
code=0
"$@" || code=$?
exit "$code"
