import WiFiSimValues

/// Bytes on a line as a transcript has them: literal, by placeholders for what varies, or by reference.
public struct Payload: Equatable, Sendable {
    public var pieces: [Piece] = []

    public init(_ pieces: [Piece]) { self.pieces = pieces }
    public init(_ bytes: some Sequence<UInt8>) { pieces = [.bytes(Array(bytes))] }
    public init(_ text: String) { self.init(text.utf8) }

    public enum Piece: Equatable, Sendable {
        case bytes([UInt8])
        case placeholder(Placeholder)
        case reference(Reference)
    }

    /// Stands for a text that is not the same in each run. The first one with a name binds it; later ones are compared.
    public struct Placeholder: Hashable, Sendable {
        public var kind: Kind
        /// `nil`: the kind is the name, too. `_` is bound anew each time.
        public var name: String?

        public init(_ kind: Kind, name: String? = nil) {
            self.kind = kind
            self.name = name
        }

        public enum Kind: String, Hashable, Sendable, CaseIterable {
            case ip, port, mac
            /// A decimal number.
            case n
            /// Up to the byte that follows in the payload.
            case text
        }

        static let anyName = "_"
        var isBound: Bool { name != Self.anyName }
    }

    /// Bytes that are known by their number and digest, and stand in a file where they have to be sent.
    public struct Reference: Hashable, Sendable {
        public var count: Int
        /// 64 hexadecimal digits, in lower case.
        public var sha256: String
        /// The path from the transcript's folder.
        public var path: String?

        public init(count: Int, sha256: String, path: String? = nil) {
            self.count = count
            self.sha256 = sha256
            self.path = path
        }

        public init(_ bytes: [UInt8], path: String? = nil) {
            self.init(count: bytes.count, sha256: SHA256.hexDigest(of: bytes), path: path)
        }
    }

    /// What placeholders stand for by now.
    typealias Bindings = [Placeholder: [UInt8]]

    /// The bytes, where all of them are literal.
    public var literal: [UInt8]? {
        if case .bytes(let bytes) = pieces.first, pieces.count == 1 { return bytes }
        var all: [UInt8] = []
        for piece in pieces {
            guard case .bytes(let bytes) = piece else { return nil }
            all += bytes
        }
        return all
    }

    /// The bytes to send; `contents` are those of the files that are referred to, by path.
    func bytes(bindings: Bindings, contents: [String: [UInt8]]) throws(PayloadError) -> [UInt8] {
        if let literal { return literal }
        var all: [UInt8] = []
        for piece in pieces {
            switch piece {
            case .bytes(let bytes): all += bytes
            case .placeholder(let placeholder):
                guard let value = bindings[placeholder] else {
                    throw PayloadError(
                        reason: "\(placeholder) stands for nothing yet; the module must have said it before")
                }
                all += value
            case .reference(let reference):
                guard let path = reference.path else {
                    throw PayloadError(reason: "\(reference) has to be sent and names no file")
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
    /// As a transcript has it.
    public var description: String { pieces.map(\.description).joined().protectingEnd }

    /// Bytes in a transcript's spelling.
    static func escaped(_ bytes: some Sequence<UInt8>) -> String { Piece.bytes(Array(bytes)).description.protectingEnd }
}

extension Payload.Piece: CustomStringConvertible {
    public var description: String {
        switch self {
        case .placeholder(let placeholder): return placeholder.description
        case .reference(let reference): return reference.description
        case .bytes(let bytes): return String(escaping: bytes, special: "<{")
        }
    }
}

extension Payload.Placeholder: CustomStringConvertible {
    public var description: String { name.map { "<\(kind.rawValue):\($0)>" } ?? "<\(kind.rawValue)>" }
}

extension Payload.Reference: CustomStringConvertible {
    public var description: String { "{\(count) sha256:\(sha256)\(path.map { " \($0)" } ?? "")}" }
}

extension String {
    /// A space at a line's end cannot be seen.
    fileprivate var protectingEnd: String { hasSuffix(" ") ? dropLast() + "\\x20" : self }
}
