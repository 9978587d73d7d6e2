#!/bin/sh
# Fuzzes what takes input from outside, under the address sanitizer.
#
#   Scripts/fuzz.sh [SECONDS [TARGET…]]      default: 60 seconds for each target
#
# Targets: `responses`, the driver's parser of what a module says, with libFuzzer; it starts from Fuzz/corpus/responses and
# adds what reaches new code there. `rfc2217`, both sides of a serial port over Telnet, with libFuzzer, from
# Fuzz/corpus/rfc2217. `mqtt`, the decoder, the client and the broker of MQTT, with libFuzzer, from Fuzz/corpus/mqtt.
# `http` and `websocket`, the parsers and sessions of these protocols, with libFuzzer, from Fuzz/corpus/http and
# Fuzz/corpus/websocket. `module`, sessions with simulated modules in virtual time (Fuzz/README.md); a session that fails
# is shrunk and written to Fuzz/found. SEED sets the first session's seed, 1 by default.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- responses rfc2217 mqtt http websocket module
export SWIFT_BACKTRACE=enable=no

layers=Sources/WiFiDriverSim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
swiftc() { command swiftc -O -sanitize=fuzzer,address -parse-as-library -swift-version 6 -package-name wifisim "$@"; }

responses() {
    swiftc -emit-module -emit-object -wmo -module-name WiFiSimValues -emit-module-path "$work/WiFiSimValues.swiftmodule" \
        -o "$work/values.o" $layers/Values/IPAddress.swift $layers/Values/MACAddress.swift
    swiftc -module-name ResponseParserFuzz -I "$work" -o "$work/fuzz" "$work/values.o" Fuzz/ResponseParserFuzz.swift \
        $layers/DriverCore/ResponseParser.swift $layers/DriverCore/ModuleMessage.swift \
        $layers/DriverCore/FieldReader.swift
    "$work/fuzz" -max_total_time="$seconds" -max_len=4096 -dict=Fuzz/response-parser.dict Fuzz/corpus/responses
}

rfc2217() {
    swiftc -wmo -module-name RFC2217Fuzz -o "$work/rfc2217" Fuzz/RFC2217Fuzz.swift $layers/Values/Serial/RFC2217/*.swift \
        $layers/Values/Serial/UARTConfiguration.swift $layers/Values/Serial/UARTFrame.swift $layers/Values/Instant.swift \
        $layers/Values/Bounded.swift $layers/Values/EscapedBytes.swift $layers/Values/Queue.swift
    mkdir "$work/found"
    "$work/rfc2217" -max_total_time="$seconds" -max_len=4096 "$work/found" Fuzz/corpus/rfc2217
}

mqtt() {
    swiftc -emit-module -emit-object -wmo -module-name WiFiSimValues -emit-module-path "$work/WiFiSimValues.swiftmodule" \
        -o "$work/values.o" $layers/Values/Instant.swift $layers/Values/Queue.swift $layers/Values/TimedQueue.swift \
        $layers/Values/Deadlines.swift
    swiftc -wmo -module-name MQTTFuzz -I "$work" -o "$work/mqtt" "$work/values.o" Fuzz/MQTTFuzz.swift \
        $layers/Protocols/MQTT/*.swift
    mkdir "$work/mqtt-found"
    "$work/mqtt" -max_total_time="$seconds" -max_len=4096 "$work/mqtt-found" Fuzz/corpus/mqtt
}

# Builds Fuzz/NAME.swift with the sources of HTTP and WebSocket, and runs it from Fuzz/corpus/FOLDER.
protocol() {
    swiftc -emit-module -emit-object -wmo -module-name WiFiSimValues -emit-module-path "$work/WiFiSimValues.swiftmodule" \
        -o "$work/values.o" $layers/Values/IPAddress.swift $layers/Values/Instant.swift $layers/Values/Queue.swift \
        $layers/Values/TimedQueue.swift $layers/Values/SeededGenerator.swift $layers/Values/EscapedBytes.swift
    swiftc -wmo -module-name "$1" -I "$work" -o "$work/$2" "$work/values.o" "Fuzz/$1.swift" \
        $layers/Protocols/SHA1.swift $layers/Protocols/Base64.swift $layers/Protocols/HTTP/*.swift \
        $layers/Protocols/WebSocket/*.swift
    mkdir "$work/found-$2"
    "$work/$2" -max_total_time="$seconds" -max_len=4096 "$work/found-$2" "Fuzz/corpus/$2"
}

http() { protocol HTTPFuzz http; }
websocket() { protocol WebSocketFuzz websocket; }

module() {
    # From scratch: the executable is not always built anew when a type two modules below has changed its size.
    rm -rf .build/fuzz
    swift build --configuration release --sanitize=address --product ModuleFuzz --scratch-path .build/fuzz
    ASAN_OPTIONS=detect_leaks=0 .build/fuzz/release/ModuleFuzz "$seconds" "${SEED:-1}"
}

for target; do
    case $target in
    responses | rfc2217 | mqtt | http | websocket | module) "$target" ;;
    *)
        echo "Scripts/fuzz.sh: there is no target $target; there are responses, rfc2217, mqtt, http, websocket, module" >&2
        exit 64
        ;;
    esac
done
