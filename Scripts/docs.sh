#!/usr/bin/env bash
# Builds the documentation of the Swift library, and fails if a public symbol has no description.
#
#   Scripts/docs.sh [FOLDER]      default: .build/documentation; the folder is replaced
#
# The public symbols of the layers are collected as those of WiFiDriverSim, which re-exports them, and given to docc with the
# articles. Warnings of docc, as for a link that leads nowhere, are failures.
set -euo pipefail
cd "$(dirname "$0")/.."
output=${1:-.build/documentation}
graphs=$(mktemp -d)
trap 'rm -rf "$graphs"' EXIT

swift build --quiet --target WiFiDriverSim
build=$(swift build --show-bin-path)
maps=()
for module in COpenSSL CPosix CTranscript CDriverWiFi; do
    maps+=(-Xcc "-fmodule-map-file=$build/$module.build/module.modulemap")
done
layers=$(sed -n 's/^@_exported import //p' Sources/WiFiDriverSim/Driver/Exports.swift | paste -sd,)
swift symbolgraph-extract -module-name WiFiDriverSim -I "$build/Modules" "${maps[@]}" \
    -target "$(uname -m)-unknown-linux-gnu" -minimum-access-level public -skip-synthesized-members -skip-inherited-docs \
    -experimental-allowed-reexported-modules="$layers" -output-dir "$graphs"

python3 - "$graphs/WiFiDriverSim.symbols.json" <<'PYTHON'
import json, sys
symbols = json.load(open(sys.argv[1]))["symbols"]
# A symbol without a place in a source file is made by the compiler.
missing = [s for s in symbols if "location" in s and "docComment" not in s]
for symbol in missing:
    place = symbol["location"]
    print(f'{place["uri"].removeprefix("file://")}:{place["position"]["line"] + 1}: '
          f'{".".join(symbol["pathComponents"])} has no description', file=sys.stderr)
print(f"{len(symbols)} public symbols, {len(missing)} without a description")
sys.exit(bool(missing))
PYTHON

rm -rf "$output"
docc convert Sources/WiFiDriverSim/Driver/WiFiDriverSim.docc --additional-symbol-graph-dir "$graphs" \
    --fallback-display-name WiFiDriverSim --fallback-bundle-identifier wifisim.WiFiDriverSim --warnings-as-errors \
    --output-path "$output"
