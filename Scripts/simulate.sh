#!/usr/bin/env bash
# Runs the driver's core against the simulated module in virtual time, in a release build.
#
#   Scripts/simulate.sh CALLS       so many calls: 10000, 500k, 1m
#   Scripts/simulate.sh HOURSh      for so long: 8h, 0.5h
#
# First every kind of session has a reset, a silence and a lost byte at each of its bytes, on every profile. Then random
# scripts run, with faults at random bytes; one that fails is shrunk and printed with its seed. SEED sets the first seed, 1 by
# default for a number of calls, the time for hours.
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-} in
*h) seconds=$(awk -v hours="${1%h}" 'BEGIN { print int(hours * 3600) }')
    export WIFISIM_SIMULATE_SECONDS="$seconds" WIFISIM_SIMULATE_SEED="${SEED:-$(date +%s)}" ;;
*k) export WIFISIM_SIMULATE_CALLS="${1%k}000" WIFISIM_SIMULATE_SEED="${SEED:-1}" ;;
*m) export WIFISIM_SIMULATE_CALLS="${1%m}000000" WIFISIM_SIMULATE_SEED="${SEED:-1}" ;;
[0-9]*) export WIFISIM_SIMULATE_CALLS="$1" WIFISIM_SIMULATE_SEED="${SEED:-1}" ;;
*) echo "usage: Scripts/simulate.sh CALLS | HOURSh" >&2 && exit 64 ;;
esac
export WIFISIM_SIMULATE_STRIDE=1
# A filter that matches no test passes: its line has to be there, too.
swift test --configuration release -Xswiftc -enable-testing --scratch-path .build/simulate \
    --filter 'In virtual time, the driver' | tee /dev/stderr | grep 'driver simulation: seeds' >/dev/null
