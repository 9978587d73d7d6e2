#!/usr/bin/env bash
# What takes too long for CI: the thread sanitizer, an hour of fuzzing, and an hour of the driver in virtual time.
#
#   Scripts/verify.sh [SECONDS]      default: 3600 seconds each for fuzzing and for the driver
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-3600}
# The tests of what has threads: the driver's runtime, the C libraries, the daemon and the host's system calls.
swift test --sanitize=thread --scratch-path .build/thread --skip 'In virtual time' \
    --filter 'DriverTests|IoTSocketTests|NetworkProgramTests'
Scripts/fuzz.sh "$seconds"
Scripts/simulate.sh "$(awk -v seconds="$seconds" 'BEGIN { print seconds / 3600 }')h"
