import Glibc
import Synchronization
import WiFiDriverSim

/// Prints two columns: the application's calls, and the bytes on the line. Any thread may add to it.
final class DemoTrace: Sendable {
    private let isVerbose: Bool
    private let counts = Mutex(Counts())

    struct Counts {
        var calls = 0
        var bytesToModule = 0
        var bytesToHost = 0
    }

    private static let leftWidth = 50
    private static let longestText = 60

    init(isVerbose: Bool) { self.isVerbose = isVerbose }

    func title(_ text: String) { print("── \(text)") }

    /// Shows the start of a call.
    func call(_ text: String) {
        counts.withLock { $0.calls += 1 }
        print(text)
    }

    /// Shows the result of a call.
    func result(_ text: String) { print("  = \(text)") }

    /// Shows bytes on the line.
    func line(_ direction: LineDirection, _ bytes: [UInt8]) {
        counts.withLock { counts in
            switch direction {
            case .toModule: counts.bytesToModule += bytes.count
            case .toHost: counts.bytesToHost += bytes.count
            }
        }
        let arrow = direction == .toModule ? "→" : "←"
        for text in texts(of: bytes) { print(String(repeating: " ", count: Self.leftWidth) + "\(arrow) \(text)") }
    }

    func summary(isRight: Bool, application: DemoApplication) {
        let counts = counts.withLock { $0 }
        title(
            "\(counts.calls) calls, \(counts.bytesToModule) bytes to the module and \(counts.bytesToHost) from it; "
                + "\(application.bytesCompared) bytes of payload compared, "
                + (isRight ? "all right" : "WRONG: \(application.failures.joined(separator: "; "))"))
    }

    private func print(_ text: String) { Console.print(text) }

    /// The lines to show for these bytes; long or binary data is shortened unless the trace is verbose.
    private func texts(of bytes: [UInt8]) -> [String] {
        if isVerbose { return [escaped(bytes)] }
        let isData = bytes.contains { $0 >= 0x7F || ($0 < 0x20 && $0 != 0x0D && $0 != 0x0A) }
        if isData || bytes.count > 400 {
            let head = String(
                decoding: bytes.prefix { (0x20..<0x7F).contains($0) || $0 == 0x0D || $0 == 0x0A }, as: UTF8.self)
            let start = head.split(whereSeparator: \.isNewline).joined(separator: " ").prefix(Self.longestText)
            return [start.isEmpty ? "(\(bytes.count) bytes)" : "\(start) … (\(bytes.count) bytes)"]
        }
        return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).map(String.init)
    }

    private func escaped(_ bytes: [UInt8]) -> String {
        bytes.reduce(into: "") { text, byte in
            switch byte {
            case 0x0D: text += "\\r"
            case 0x0A: text += "\\n"
            case 0x20..<0x7F: text.unicodeScalars.append(Unicode.Scalar(byte))
            default: text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
    }
}
