#!/bin/sh
# Builds the C libraries and installs them with headers and pkg-config files.
#
#   Scripts/install.sh [--prefix DIR] [--destdir DIR]
#
#   --prefix DIR   where programs will look for them, default /usr/local
#   --destdir DIR  put before the prefix while copying, for packages
#
# Installed are, for IoTSocketWiFi and IoTSocketMux each: lib/lib….so and lib/lib….a, with the Swift runtime inside, so
# that a C compiler needs nothing else; lib/pkgconfig/….pc; and the headers of both in include/wifisim/.
set -eu

prefix=/usr/local
destdir=
while [ $# -gt 0 ]; do
    case $1 in
    --prefix) prefix=${2:?--prefix wants a directory}; shift 2 ;;
    --prefix=*) prefix=${1#*=}; shift ;;
    --destdir) destdir=${2:?--destdir wants a directory}; shift 2 ;;
    --destdir=*) destdir=${1#*=}; shift ;;
    -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "install.sh: $1: no such option; see --help" >&2; exit 64 ;;
    esac
done
case $prefix in
/*) ;;
*) prefix=$(pwd)/$prefix ;;
esac

cd "$(dirname "$0")/.."
swift build -c release ${JOBS:+-j "$JOBS"} >&2
objects=$(swift build -c release --show-bin-path)
runtime=$(dirname "$(dirname "$(readlink -f "$(command -v swift)")")")/lib/swift_static/linux
[ -d "$runtime" ] || { echo "install.sh: no static Swift runtime in $runtime" >&2; exit 69; }
machine=$(uname -m)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What C programs may see; everything else stays inside the library.
api='Driver_WiFi0 Driver_WiFi1 socket_startup'
for function in Create Bind Listen Accept Connect Recv RecvFrom Send SendTo GetSockName GetPeerName GetOpt SetOpt Close \
    GetHostByName; do
    api="$api iotSocket$function"
done
api="$api $(sed -n 's/.*\(wifisim_replay_[a-z]*\)(.*/\1/p' Sources/CTranscript/include/wifisim_transcript.h | sort -u)"

lib=$destdir$prefix/lib
include=$destdir$prefix/include/wifisim
mkdir -p "$lib/pkgconfig" "$include"
cp Sources/CDriverWiFi/include/Driver_Common.h Sources/CDriverWiFi/include/Driver_WiFi.h \
    Sources/CIoTSocket/include/iot_socket.h Sources/CIoTSocket/include/iot_socket_mux.h \
    Sources/CTranscript/include/wifisim_transcript.h Sources/SocketStartup/include/socket_startup.h Sources/IoTSocketMux/include/iot_socket_tables.h "$include/"

# install_library NAME DESCRIPTION SYMBOLS...
install_library() {
    name=$1 description=$2
    shift 2
    printf '%s\n' "$@" >"$work/$name.symbols"

    # One relocatable object of the library and the runtime, in which only the API is global.
    {
        # What the package manager links, and no object that an earlier build has left.
        grep '\.o$' "$objects/$name.product/Objects.LinkFileList"
        echo "$runtime/$machine/swiftrt.o"
        for part in FoundationEssentials _FoundationCShims _FoundationCollections swiftSynchronization \
            swift_StringProcessing swift_RegexParser swift_Concurrency swiftDispatch dispatch BlocksRuntime swiftGlibc \
            swiftCore; do
            echo "$runtime/lib$part.a"
        done
    } >"$work/$name.inputs"
    # Only what is reached is taken out of the archives.
    "${LD:-ld}" -r -o "$work/$name.o" --start-group $(cat "$work/$name.inputs") --end-group
    "${OBJCOPY:-objcopy}" --keep-global-symbols="$work/$name.symbols" "$work/$name.o"
    "${OBJCOPY:-objcopy}" --strip-debug "$work/$name.o"
    rm -f "$lib/lib$name.a"
    "${AR:-ar}" rcs "$lib/lib$name.a" "$work/$name.o"
    { echo '{ global:'; sed 's/$/;/' "$work/$name.symbols"; echo 'local: *; };'; } >"$work/$name.map"
    "${CC:-cc}" -shared -s -o "$lib/lib$name.so" "$work/$name.o" -Wl,-soname,"lib$name.so" \
        -Wl,--version-script="$work/$name.map" -lstdc++ -lm -lpthread -ldl 2>"$work/$name.warnings" || {
        cat "$work/$name.warnings" >&2
        exit 70
    }
    cat >"$lib/pkgconfig/$name.pc" <<PC
prefix=$prefix
libdir=\${prefix}/lib
includedir=\${prefix}/include/wifisim

Name: $name
Description: $description
Version: $(sed -n 's/^## \[\{0,1\}\([0-9][0-9.]*\).*/\1/p' CHANGELOG.md 2>/dev/null | head -1 | grep . || echo 0.1)
Cflags: -I\${includedir}
Libs: -L\${libdir} -Wl,-rpath,\${libdir} -l$name
Libs.private: -lstdc++ -lm -lpthread -ldl
PC
}

install_library IoTSocketWiFi "IoT Socket and CMSIS-Driver WiFi over AT commands" $api
install_library IoTSocketMux "IoT Socket with the implementation chosen at run time" $api iotSocketRegisterApi \
    iotSocketApiWiFi iotSocketApiHost
echo "installed in $destdir$prefix" >&2
