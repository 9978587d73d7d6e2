import WiFiSimValues

/// Bytes on a line in transcript notation: literal bytes, placeholders for what varies, and references to files.
public struct Payload: Equatable, Sendable {
    /// The pieces, in order.
    public var pieces: [Piece] = []

    /// Makes a payload of pieces.
    public init(_ pieces: [Piece]) { self.pieces = pieces }
    /// Makes a payload of literal bytes.
    public init(_ bytes: some Sequence<UInt8>) { pieces = [.bytes(Array(bytes))] }
    /// Makes a payload of literal text, as UTF-8.
    public init(_ text: String) { self.init(text.utf8) }

    /// A part of a payload.
    public enum Piece: Equatable, Sendable {
        /// Literal bytes.
        case bytes([UInt8])
        /// Text that differs from run to run.
        case placeholder(Placeholder)
        /// Bytes that are kept elsewhere.
        case reference(Reference)
    }

    /// Stands for text that differs from run to run. Its first occurrence binds the value; later ones must be equal.
    public struct Placeholder: Hashable, Sendable {
        /// The kind of text.
        public var kind: Kind
        /// The name; `nil` uses the kind as the name. `_` never binds a value.
        public var name: String?

        /// Makes a placeholder.
        public init(_ kind: Kind, name: String? = nil) {
            self.kind = kind
            self.name = name
        }

        /// The kinds of text: an IP address, a port, a MAC address, a number or any text.
        public enum Kind: String, Hashable, Sendable, CaseIterable {
            /// An IPv4 or IPv6 address.
            case ip
            /// A port number.
            case port
            /// A MAC address.
            case mac
            /// A decimal number.
            case n
            /// Any text up to the next byte of the payload.
            case text
        }

        static let anyName = "_"
        var isBound: Bool { name != Self.anyName }
    }

    /// Bytes that are given by their number and digest. To be sent, they must also be in a file.
    public struct Reference: Hashable, Sendable {
        /// The number of bytes.
        public var count: Int
        /// The SHA-256 digest, as 64 lowercase hexadecimal digits.
        public var sha256: String
        /// The path of the file, relative to the transcript's folder; `nil` if there is none.
        public var path: String?

        /// Makes a reference from its parts.
        public init(count: Int, sha256: String, path: String? = nil) {
            self.count = count
            self.sha256 = sha256
            self.path = path
        }

        /// Makes the reference for `bytes`.
        public init(_ bytes: [UInt8], path: String? = nil) {
            self.init(count: bytes.count, sha256: SHA256.hexDigest(of: bytes), path: path)
        }
    }

    /// The values that placeholders have so far.
    typealias Bindings = [Placeholder: [UInt8]]

    /// The bytes, if all pieces are literal; `nil` otherwise.
    public var literal: [UInt8]? {
        if case .bytes(let bytes) = pieces.first, pieces.count == 1 { return bytes }
        var all: [UInt8] = []
        for piece in pieces {
            guard case .bytes(let bytes) = piece else { return nil }
            all += bytes
        }
        return all
    }

    /// The bytes to send. `contents` holds the referenced files by path.
    func bytes(bindings: Bindings, contents: [String: [UInt8]]) throws(PayloadError) -> [UInt8] {
        if let literal { return literal }
        var all: [UInt8] = []
        for piece in pieces {
            switch piece {
            case .bytes(let bytes): all += bytes
            case .placeholder(let placeholder):
                guard let value = bindings[placeholder] else {
                    throw PayloadError(
                        reason: "\(placeholder) stands for nothing yet; the module must have sent it before")
                }
                all += value
            case .reference(let reference):
                guard let path = reference.path else {
                    throw PayloadError(reason: "\(reference) has to be sent but names no file")
                }
                guard let bytes = contents[path] else { throw PayloadError(reason: "the file \(path) was not loaded") }
                all += bytes
            }
        }
        return all
    }
}

/// A payload that cannot be sent.
struct PayloadError: Error, Equatable {
    let reason: String
}

// MARK: As text

extension Payload: CustomStringConvertible {
    /// The payload in transcript notation.
    public var description: String { pieces.map(\.description).joined().protectingEnd }

    /// Bytes in transcript notation.
    static func escaped(_ bytes: some Sequence<UInt8>) -> String { Piece.bytes(Array(bytes)).description.protectingEnd }
}

extension Payload.Piece: CustomStringConvertible {
    /// The piece in transcript notation.
    public var description: String {
        switch self {
        case .placeholder(let placeholder): return placeholder.description
        case .reference(let reference): return reference.description
        case .bytes(let bytes): return String(escaping: bytes, special: "<{")
        }
    }
}

extension Payload.Placeholder: CustomStringConvertible {
    /// The placeholder in transcript notation, for example `<port:local1>`.
    public var description: String { name.map { "<\(kind.rawValue):\($0)>" } ?? "<\(kind.rawValue)>" }
}

extension Payload.Reference: CustomStringConvertible {
    /// The reference in transcript notation.
    public var description: String { "{\(count) sha256:\(sha256)\(path.map { " \($0)" } ?? "")}" }
}

extension String {
    /// Escapes a space at the end of the line, which would be invisible.
    fileprivate var protectingEnd: String { hasSuffix(" ") ? dropLast() + "\\x20" : self }
}
