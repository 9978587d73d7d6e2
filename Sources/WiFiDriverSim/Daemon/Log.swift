import CPosix
import Glibc

/// Says what happens: notices to standard error, and with a file both those and every byte on the lines.
public final class Log {
    private let descriptor: FileDescriptor?
    private let isQuiet: Bool

    /// A log on standard error, and in the file at `path`, which is appended to or made.
    /// - Parameters:
    ///   - path: the file, which takes the bytes on the lines as well.
    ///   - isQuiet: leaves standard error alone.
    /// - Throws: `SystemError` if the file cannot be opened.
    public init(path: String? = nil, isQuiet: Bool = false) throws(SystemError) {
        self.isQuiet = isQuiet
        descriptor =
            if let path {
                FileDescriptor(
                    owning: try systemCall("open \(path)") {
                        open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
                    })
            } else {
                nil
            }
    }

    var tracesLines: Bool { descriptor != nil }

    /// A notice.
    public func write(_ text: String) {
        if !isQuiet { Self.write("wifisim: \(text)\n", to: STDERR_FILENO) }
        if let descriptor { Self.write("# \(text)\n", to: descriptor.rawValue) }
    }

    /// Bytes on a module's line: the time in seconds, the module's number, `>` to the module or `<` from it, and the bytes
    /// with C's escapes.
    func write(module: Int, _ direction: LineDirection, _ bytes: UnsafeRawBufferPointer, at time: Instant) {
        guard let descriptor else { return }
        let microseconds = time.nanoseconds / 1000
        let fraction = String(1_000_000 + microseconds % 1_000_000).dropFirst()
        let arrow = direction == .toModule ? ">" : "<"
        Self.write(
            "\(microseconds / 1_000_000).\(fraction) \(module) \(arrow) \(Self.escaped(bytes))\n",
            to: descriptor.rawValue)
    }

    private static func write(_ text: String, to descriptor: Int32) {
        // A log that cannot be written must not stop what it tells of.
        _ = Array(text.utf8).withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }

    static func escaped(_ bytes: UnsafeRawBufferPointer) -> String {
        var text = "\""
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\r"): text += "\\r"
            case UInt8(ascii: "\n"): text += "\\n"
            case UInt8(ascii: "\""): text += "\\\""
            case UInt8(ascii: "\\"): text += "\\\\"
            case 0x20..<0x7F: text.unicodeScalars.append(Unicode.Scalar(byte))
            default: text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return text + "\""
    }
}
