#!/usr/bin/env bash
# What takes longer than .ci/run may: run it before a release.
#
#   Scripts/verify.sh [HOURS]      how long each target is fuzzed, 1 by default
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=$(awk -v hours="${1:-1}" 'BEGIN { print int(hours * 3600) }')

.ci/run
SEED=$(date +%s) Scripts/fuzz.sh "$seconds" module
Scripts/fuzz.sh "$seconds" responses
Scripts/simulate.sh "${1:-1}h"
swift test --sanitize=thread --scratch-path .build/thread --filter 'DriverTests|IoTSocketTests'
