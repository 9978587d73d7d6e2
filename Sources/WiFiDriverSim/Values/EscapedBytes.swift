extension String {
    /// Bytes as text: printable ASCII unchanged, all other bytes as C escapes.
    /// - Parameters:
    ///   - bytes: the bytes.
    ///   - special: printable bytes to precede with a backslash, in addition to the backslash itself.
    package init(escaping bytes: some Sequence<UInt8>, special: StaticString) {
        self = ""
        reserveCapacity(bytes.underestimatedCount + 8)
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\r"): self += "\\r"
            case UInt8(ascii: "\n"): self += "\\n"
            case UInt8(ascii: "\t"): self += "\\t"
            case 0x20..<0x7F:
                if byte == UInt8(ascii: "\\") || special.withUTF8Buffer({ $0.contains(byte) }) { self += "\\" }
                unicodeScalars.append(Unicode.Scalar(byte))
            default: self += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
    }
}
