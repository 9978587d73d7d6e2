#!/bin/sh
# Fuzzes the driver's response parser with libFuzzer and the address sanitizer.
#
#   Scripts/fuzz.sh [SECONDS]      default 60
#
# Starts from Fuzz/corpus/response-parser and adds what reaches new code there. A crash is written to the working directory.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
swiftc -O -sanitize=fuzzer,address -parse-as-library -swift-version 6 -module-name ResponseParserFuzz \
    Fuzz/ResponseParserFuzz.swift Sources/WiFiDriverSim/Values/IPAddress.swift \
    Sources/WiFiDriverSim/Values/MACAddress.swift Sources/WiFiDriverSim/Driver/ResponseParser.swift \
    Sources/WiFiDriverSim/Driver/ModuleMessage.swift Sources/WiFiDriverSim/Driver/FieldReader.swift -o "$work/fuzz"
"$work/fuzz" -max_total_time="${1:-60}" -max_len=4096 -dict=Fuzz/response-parser.dict \
    Fuzz/corpus/response-parser
