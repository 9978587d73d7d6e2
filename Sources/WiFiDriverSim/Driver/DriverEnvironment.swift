import Glibc
import WiFiSimDaemon
import WiFiSimHost
import WiFiSimValues

/// Finds the line to the module, from environment variables.
///
/// - `WIFISIM_TTY` (`WIFISIM_TTY1` for the second driver): the path of a tty, or `socket://HOST:PORT`,
///   `rfc2217://HOST:PORT` or `unix:PATH`. If unset, a module runs in this process.
/// - `WIFISIM_BAUD`: the rate of that tty in bits per second, 80 to 5000000. Default 115200.
/// - `WIFISIM_CONNECT_TIMEOUT`: milliseconds before Connect gives up a peer that does not answer, 100 to 60000. Default
///   1500 for a module in this process, on a pseudo-terminal or on a Unix socket, 18000 on another line.
/// - `WIFISIM_BUSY_TIMEOUT`: milliseconds before the driver gives up a busy module, 100 to 600000. Default 60000.
/// - `WIFISIM_PROFILE`, `WIFISIM_WORLD`, `WIFISIM_HOST_ADDRESS`: profile, world file and own loopback address of a
///   module in this process.
/// - `WIFISIM_SPEED`: how fast the time of that module passes: a factor from 0.01 to 1000, or `max`.
/// - `WIFISIM_EMBEDDED_CONTROL` (`WIFISIM_EMBEDDED_CONTROL1` for the second driver): the path of that module's control
///   socket. If unset, it has none.
/// - `WIFISIM_LOG`: a file for the bytes on the lines of modules in this process; `-` is standard error.
enum DriverEnvironment {
    struct InvalidHostAddress: Error, CustomStringConvertible {
        let text: String
        var description: String { "WIFISIM_HOST_ADDRESS=\(text): not an address in 127.0.0.0/8" }
    }

    struct InvalidBaud: Error, CustomStringConvertible {
        let text: String
        var description: String { "WIFISIM_BAUD=\(text): not a rate between 80 and 5000000 bits per second" }
    }

    static func openLine(variable: String) throws -> SerialPort {
        guard let path = value(variable) else {
            let number = variable.dropFirst("WIFISIM_TTY".count)
            let descriptor = try EmbeddedModule.start(
                profile: value("WIFISIM_PROFILE"), worldPath: value("WIFISIM_WORLD"), hostAddress: try hostAddress(),
                speed: try speed(), controlPath: value("WIFISIM_EMBEDDED_CONTROL\(number)"),
                log: EmbeddedModule.LogPlace(path: value("WIFISIM_LOG"), number: Int(number) ?? 0))
            do throws(SystemError) {
                return try SerialPort(adopting: descriptor)
            } catch {
                close(descriptor)
                throw error
            }
        }
        let text = value("WIFISIM_BAUD") ?? "115200"
        guard let baud = Int(text), (80...5_000_000).contains(baud) else { throw InvalidBaud(text: text) }
        return try SerialPort(DeviceAddress(path), baud: baud)
    }

    struct InvalidSpeed: Error, CustomStringConvertible {
        let text: String
        var description: String { "WIFISIM_SPEED=\(text): not max or a factor from 0.01 to 1000" }
    }

    private static func speed() throws(InvalidSpeed) -> LoopSpeed {
        guard let text = value("WIFISIM_SPEED") else { return .real }
        guard let speed = LoopSpeed(text) else { throw InvalidSpeed(text: text) }
        return speed
    }

    private static func hostAddress() throws(InvalidHostAddress) -> IPv4Address? {
        guard let text = value("WIFISIM_HOST_ADDRESS") else { return nil }
        guard let address = IPv4Address(text), address.isLoopback else { throw InvalidHostAddress(text: text) }
        return address
    }

    static func connectTimeout(variable: String) -> Duration {
        time("WIFISIM_CONNECT_TIMEOUT", 100...60_000, standard: standardConnectTimeout(path: value(variable)))
    }

    static func busyTimeout() -> Duration { time("WIFISIM_BUSY_TIMEOUT", 100...600_000, standard: .seconds(60)) }

    private static func time(_ variable: String, _ range: ClosedRange<Int>, standard: Duration) -> Duration {
        guard let text = value(variable) else { return standard }
        guard let milliseconds = Int(text), range.contains(milliseconds) else {
            complain(
                "\(variable)=\(text): not a time between \(range.lowerBound) and \(range.upperBound) ms; "
                    + "\(standard) is used")
            return standard
        }
        return .milliseconds(milliseconds)
    }

    /// A module in this process, on a pseudo-terminal or on a Unix socket is simulated, and most of its peers are on
    /// this computer: one that does not answer soon never will. Over the air the default leaves time for TCP's second retransmission.
    private static func standardConnectTimeout(path: String?) -> Duration {
        guard let path, !path.hasPrefix("unix:") else { return .milliseconds(1500) }
        guard let resolved = realpath(path, nil) else { return .seconds(18) }
        defer { free(resolved) }
        return String(cString: resolved).hasPrefix("/dev/pts/") ? .milliseconds(1500) : .seconds(18)
    }

    /// The value of a variable. Nil if it is unset or empty.
    static func value(_ name: String) -> String? {
        guard let text = getenv(name), text.pointee != 0 else { return nil }
        return String(cString: text)
    }
}
