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

    /// Runs the program. The status of a signal is negative.
    func run(_ arguments: [String], environment: [String: String] = [:]) throws -> (status: Int32, errors: String) {
        try Self.run([folder.appending(path: "program").path(percentEncoded: false)] + arguments, environment)
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
