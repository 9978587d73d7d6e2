import Foundation
import Testing

/// C programs that link the library as users do, each in its own process: how they end.
@Suite(.enabled(if: CProgram.canLink, "needs a C compiler, and a library without a sanitizer"), .serialized)
struct `A program in C` {
    private static let startUp = """
        #include <stdlib.h>
        #include <unistd.h>
        #include "socket_startup.h"
        int main(int argc, char **argv) {
            if (argc > 2) abort();
            if (socket_startup() != 0) return 1;
            if (argc > 1) abort();
            return 0;
        }
        """

    @Test(arguments: CProgram.compilers, ["IoTSocketWiFi", "IoTSocketMux"])
    func `ends clean under the address sanitizer once it has joined`(compiler: String, library: String) throws {
        let program = try CProgram(
            Self.startUp, compiler: compiler, options: ["-fsanitize=address"], library: library)
        for _ in 0..<3 {
            let result = try program.run([])
            #expect(result.errors == "" && result.status == 0)
        }
    }

    @Test(arguments: [[], ["late"], ["at", "once"]])
    func `ends as usual when it aborts`(arguments: [String]) throws {
        let program = try CProgram(Self.startUp)
        let result = try program.run(arguments)
        #expect(result.errors == "")
        #expect(result.status == (arguments.isEmpty ? 0 : -SIGABRT))
        // A backtrace is printed if it is requested.
        if arguments.count == 2 {
            let traced = try program.run(arguments, environment: ["SWIFT_BACKTRACE": "enable=yes,color=no"])
            #expect(traced.errors.contains("crashed"))
        }
    }

    @Test func `closes a socket only for itself, and its forked child keeps its own`() throws {
        let program = try CProgram(
            """
            #include <string.h>
            #include <sys/wait.h>
            #include <unistd.h>
            #include "iot_socket.h"
            #include "iot_socket_mux.h"
            #include "iot_socket_tables.h"
            static const uint8_t loopback[4] = {127, 0, 0, 1};
            int main(void) {
                char bytes[8], turn;
                int go[2], status;
                iotSocketRegisterApi(&iotSocketApiHost);
                int32_t listener = iotSocketCreate(IOT_SOCKET_AF_INET, IOT_SOCKET_SOCK_STREAM, 0);
                int32_t client = iotSocketCreate(IOT_SOCKET_AF_INET, IOT_SOCKET_SOCK_STREAM, 0);
                uint32_t time = 10000;
                iotSocketSetOpt(client, IOT_SOCKET_SO_RCVTIMEO, &time, 4);
                if (pipe(go) || iotSocketBind(listener, loopback, 4, 8188) || iotSocketListen(listener, 1)) return 1;
                if (iotSocketConnect(client, loopback, 4, 8188)) return 2;
                int32_t accepted = iotSocketAccept(listener, NULL, NULL, NULL);
                pid_t child = fork();
                if (child == 0) {
                    iotSocketClose(listener);
                    if (read(go[0], &turn, 1) != 1) _exit(1);
                    _exit(iotSocketSend(accepted, "hello", 5) == 5 ? 0 : 2);
                }
                iotSocketClose(accepted);
                if (write(go[1], "", 1) != 1) return 3;
                if (iotSocketRecv(client, bytes, 5) != 5 || memcmp(bytes, "hello", 5)) return 4;
                if (waitpid(child, &status, 0) != child || status != 0) return 5;
                int32_t next = iotSocketCreate(IOT_SOCKET_AF_INET, IOT_SOCKET_SOCK_STREAM, 0);
                return iotSocketConnect(next, loopback, 4, 8188) == 0 ? 0 : 6;
            }
            """, library: "IoTSocketMux")
        #expect(try program.run([]).status == 0)
    }

    private static let fetch = """
        #include <arpa/inet.h>
        #include <string.h>
        #include <sys/socket.h>
        #include <unistd.h>
        #include "iot_socket.h"
        #include "socket_startup.h"
        // A server of the computer that sends six bytes back.
        static uint16_t echo(void) {
            struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
            socklen_t length = sizeof address;
            int listener = socket(AF_INET, SOCK_STREAM, 0);
            if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 1)) return 0;
            getsockname(listener, (struct sockaddr *)&address, &length);
            if (fork() == 0) {
                char bytes[6];
                close(STDERR_FILENO);
                alarm(20);
                int peer = accept(listener, NULL, NULL);
                _exit(recv(peer, bytes, 6, MSG_WAITALL) == 6 && send(peer, bytes, 6, 0) == 6 ? 0 : 1);
            }
            close(listener);
            return ntohs(address.sin_port);
        }
        int main(void) {
            static const uint8_t gateway[4] = {10, 0, 2, 2};
            char bytes[8];
            uint16_t port = echo();
            if (socket_startup() != 0) return 1;
            int32_t socket = iotSocketCreate(IOT_SOCKET_AF_INET, IOT_SOCKET_SOCK_STREAM, 0);
            if (iotSocketConnect(socket, gateway, 4, port)) return 2;
            if (iotSocketSend(socket, "hello\\377", 6) != 6) return 3;
            if (iotSocketRecv(socket, bytes, 6) != 6 || memcmp(bytes, "hello\\377", 6)) return 4;
            return iotSocketClose(socket) == 0 ? 0 : 5;
        }
        """

    @Test(arguments: ["pty", "tcp:0", "rfc2217:0", "rfc2217:[::1]:0", "unix:"])
    func `reaches a module on any line by the name that exec gives it`(line: String) throws {
        let program = try CProgram(Self.fetch)
        let line = line == "unix:" ? "unix:\(program.path("line"))" : line
        let result = try program.run([], under: ["exec", "--line", line])
        #expect(result.status == 0 && result.errors == "")
    }

    @Test func `says which line it cannot open`() throws {
        let program = try CProgram(Self.fetch)
        for (line, reason) in [
            ("socket://127.0.0.1:1", "connect to 127.0.0.1:1: Connection refused"),
            ("rfc2217://127.0.0.1", "write rfc2217://HOST:PORT"),
            ("unix:/no/such", "connect to /no/such: No such file"),
        ] {
            let result = try program.run([], environment: ["WIFISIM_TTY": line])
            #expect(result.status == 1 && result.errors.contains(reason), "\(result)")
        }
    }

    @Test func `has a module whose world others change, and whose line is in a log`() throws {
        let program = try CProgram(
            """
            #include <stdlib.h>
            #include "Driver_WiFi.h"
            #include "socket_startup.h"
            extern ARM_DRIVER_WIFI Driver_WiFi0;
            int main(int argc, char **argv) {
                if (socket_startup() != 0) return 1;
                if (!Driver_WiFi0.IsConnected()) return 2;
                if (system(argv[1]) != 0) return 3;
                for (int i = 0; i < 100 && Driver_WiFi0.IsConnected(); i++) if (system("sleep 0.1") != 0) return 4;
                if (Driver_WiFi0.IsConnected()) return 5;
                if (Driver_WiFi0.Uninitialize() != 0) return 6;
                return system("for i in 1 2 3 4 5 6 7 8 9; do test -e $WIFISIM_EMBEDDED_CONTROL || exit 0; sleep 0.1; done; exit 1") == 0 ? 0 : 7;
            }
            """)
        let control = program.path("control")
        let ctl = "\(CProgram.simulator) ctl --socket \(control)"
        let environment = ["WIFISIM_EMBEDDED_CONTROL": control, "WIFISIM_LOG": program.path("log")]
        let result = try program.run(
            ["\(ctl) state | grep -q '\"state\": \"connected\"' && \(ctl) ap wifisim off"], environment: environment)
        #expect(result.status == 0, "\(result)")
        let log = try String(contentsOfFile: program.path("log"), encoding: .utf8)
        #expect(log.contains(" 0 > \"AT+CWJAP"), "\(log)")
        #expect(log.contains("WIFI DISCONNECT") && log.contains("# control: ap \"wifisim\" off"), "\(log)")

        let standardError = try program.run(["false"], environment: ["WIFISIM_LOG": "-"])
        #expect(standardError.status == 3 && standardError.errors.contains(" 0 < \"\\r\\nready"), "\(standardError)")
        for variable in ["WIFISIM_EMBEDDED_CONTROL", "WIFISIM_LOG"] {
            let failed = try program.run(["true"], environment: [variable: "/no/such/folder/file"])
            #expect(failed.status == 1 && failed.errors.contains("/no/such/folder/file: No such file"), "\(failed)")
        }
    }

    @Test func `has its own signal handlers, and may end in any of its threads`() throws {
        let program = try CProgram(
            """
            #include <pthread.h>
            #include <signal.h>
            #include <stdlib.h>
            #include <unistd.h>
            #include "socket_startup.h"
            static void *end(void *argument) { exit(3); }
            static void crash(int signal) { _exit(7); }
            int main(int argc, char **argv) {
                signal(SIGSEGV, crash);
                if (socket_startup() != 0) return 1;
                if (argc > 1) raise(SIGSEGV);
                pthread_t thread;
                pthread_create(&thread, NULL, end, NULL);
                pthread_join(thread, NULL);
                return 0;
            }
            """)
        #expect(try program.run([]).status == 3)
        #expect(try program.run(["crash"]).status == 7)
    }
}

/// A C program that is linked with one of the package's shared libraries.
final class CProgram {
    private let folder: URL

    private static let products = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    private static let sources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources")

    /// The installed compilers.
    static let compilers = ["gcc", "clang"].filter { name in
        ProcessInfo.processInfo.environment["PATH", default: ""].split(separator: ":")
            .contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
    }

    /// Whether a program can use a library without being built in the same way.
    static let canLink =
        (try? CProgram(
            """
            #include "socket_startup.h"
            int main(int argc, char **argv) { return argc > 1 ? socket_startup() : 0; }
            """)) != nil

    private struct CompilerFailure: Error { let errors: String }

    init(
        _ source: String, compiler: String? = compilers.first, options: [String] = [], library: String = "IoTSocketWiFi"
    ) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "wifisim-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appending(path: "program.c")
        try Data(source.utf8).write(to: file)
        let products = Self.products.path(percentEncoded: false)
        let headers = ["CIoTSocket", "CDriverWiFi", "SocketStartup", "IoTSocketMux"].map {
            "-I" + Self.sources.appending(path: "\($0)/include").path(percentEncoded: false)
        }
        let result = try Self.run(
            [compiler ?? "cc"] + options + headers + [
                file.path(percentEncoded: false), "-o", folder.appending(path: "program").path(percentEncoded: false),
                "-L\(products)", "-l\(library)", "-Wl,-rpath,\(products)", "-Wl,--no-as-needed", "-lpthread",
            ])
        guard result.status == 0 else { throw CompilerFailure(errors: result.errors) }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// The simulator's program.
    static let simulator = products.appending(path: "wifisim").path(percentEncoded: false)

    /// The path of a file in the program's folder, which disappears with it.
    func path(_ name: String) -> String { folder.appending(path: name).path(percentEncoded: false) }

    /// Runs the program, or the simulator with these arguments and the program as its command. The status of a signal is
    /// negative.
    func run(
        _ arguments: [String], under simulator: [String]? = nil, environment: [String: String] = [:]
    ) throws -> (status: Int32, errors: String) {
        let prefix = simulator.map { [Self.simulator] + $0 + ["--"] } ?? []
        return try Self.run(prefix + [path("program")] + arguments, environment)
    }

    private static func run(_ command: [String], _ environment: [String: String] = [:]) throws -> (
        status: Int32, errors: String
    ) {
        let process = Process(command: command)
        process.environment = ProcessInfo.processInfo.environment
            .filter { !$0.key.hasPrefix("WIFISIM_") && $0.key != "SWIFT_BACKTRACE" }.merging(environment) { $1 }
        let errors = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = errors
        try process.run()
        let said = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let status = process.terminationStatus
        return (process.terminationReason == .exit ? status : -status, String(decoding: said, as: UTF8.self))
    }
}
