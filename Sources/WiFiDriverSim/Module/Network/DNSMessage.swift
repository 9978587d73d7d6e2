import WiFiSimValues

/// The messages of DNS (RFC 1035, section 4), as far as a server for names and addresses needs them.
package enum DNSMessage {
    package static let port: UInt16 = 53
    /// The limit of a datagram in bytes (RFC 1035, section 2.3.4).
    package static let longestDatagram = 512
    private static let headerLength = 12
    /// A compressed name: a pointer to the name in the question.
    private static let pointerToQuestion: [UInt8] = [0xC0, UInt8(headerLength)]
    /// In seconds. Short, because the names of the world and of the computer may change.
    private static let timeToLive: UInt32 = 60

    package enum Request: Equatable {
        case question(Question)
        /// There is nothing to resolve. The bytes are the answer.
        case refused([UInt8])
    }

    /// A question about a name.
    package struct Question: Equatable {
        /// In lower case. `nil` if no host can have the name.
        package let name: String?
        /// The name is the root, which exists and has no address.
        fileprivate let isRoot: Bool
        fileprivate let type: UInt16
        /// The ID and flags of the message.
        fileprivate let head: [UInt8]
        /// The question in the message, uncompressed.
        fileprivate let bytes: [UInt8]

        /// Whether the question is for addresses of this family. There are no records of other types.
        fileprivate func asks(for address: IPAddress) -> Bool {
            type == RecordType.any || type == (address.family == .v4 ? RecordType.a : RecordType.aaaa)
        }
    }

    /// The result of a lookup.
    package enum Outcome: Equatable {
        /// All addresses of the name.
        case found([IPAddress])
        case unknown
        /// The lookup failed.
        case failed

        package var addresses: [IPAddress] {
            if case .found(let addresses) = self { addresses } else { [] }
        }
    }

    /// RFC 1035, section 4.1.1, RCODE.
    private enum Code: UInt8 { case ok, formatError, serverFailure, nameError, notImplemented, refused }

    /// Reads a message. `nil` for one that gets no answer: an answer, or fewer bytes than a header.
    package static func read(_ message: [UInt8]) -> Request? {
        guard message.count >= headerLength, message[2] & 0x80 == 0 else { return nil }
        var reader = DNSReader(message)
        reader.skip(to: 4)
        let count = reader.number() ?? 0
        reader.skip(to: headerLength)
        var name: DomainName?
        var type: UInt16 = 0
        var kind: UInt16 = 0
        var question: [UInt8] = []
        if count > 0, let readName = reader.name(), let readType = reader.number(), let readKind = reader.number() {
            (name, type, kind) = (readName, readType, readKind)
            question = readName.bytes + readType.networkBytes + readKind.networkBytes
        }
        // A refusal repeats the question, as far as it could be read.
        func refused(_ code: Code) -> Request {
            .refused(header(message, code) + [0, name == nil ? 0 : 1, 0, 0, 0, 0, 0, 0] + question)
        }
        // Opcode 0 is a standard query.
        guard message[2] & 0x78 == 0 else { return refused(.notImplemented) }
        guard count == 1, let name else { return refused(.formatError) }
        // Class IN or any.
        guard kind == 1 || kind == 255 else { return refused(.refused) }
        return .question(
            Question(
                name: name.hostName, isRoot: name.labels.isEmpty, type: type, head: Array(message[..<4]),
                bytes: question))
    }

    /// The answer to a question. An answer above `limit` bytes is truncated and marked, so that the client repeats the
    /// question over TCP (RFC 2181, section 9).
    package static func answer(to question: Question, _ outcome: Outcome, limit: Int = longestDatagram) -> [UInt8] {
        var records: [[UInt8]] = []
        let code: Code
        switch outcome {
        case .found(let addresses):
            code = .ok
            records = addresses.filter(question.asks).map(record)
        case .unknown: code = question.isRoot ? .ok : .nameError
        case .failed: code = .serverFailure
        }
        let length = headerLength + question.bytes.count + records.reduce(0) { $0 + $1.count }
        let isCut = length > limit || records.count > Int(UInt16.max)
        if isCut { records = [] }
        var answer = header(question.head, code)
        if isCut { answer[2] |= 0x02 }
        return answer + [0, 1] + UInt16(records.count).networkBytes + [0, 0, 0, 0] + question.bytes + records.joined()
    }

    /// ID and flags of an answer: recursion is available, and desired if the client set that flag.
    private static func header(_ question: [UInt8], _ code: Code) -> [UInt8] {
        [question[0], question[1], question[2] & 0x79 | 0x80, 0x80 | code.rawValue]
    }

    private static func record(_ address: IPAddress) -> [UInt8] {
        let (type, data): (UInt16, [UInt8]) =
            switch address {
            case .v4(let address): (RecordType.a, address.rawValue.networkBytes)
            case .v6(let address): (RecordType.aaaa, address.high.networkBytes + address.low.networkBytes)
            }
        return pointerToQuestion + type.networkBytes + [0, 1] + timeToLive.networkBytes
            + UInt16(data.count).networkBytes + data
    }
}

/// The types of records (RFC 1035, section 3.2.2; RFC 3596; RFC 2782).
enum RecordType {
    static let a: UInt16 = 1
    static let pointer: UInt16 = 12
    static let text: UInt16 = 16
    static let aaaa: UInt16 = 28
    static let server: UInt16 = 33
    static let any: UInt16 = 255
}

/// A stream of DNS messages over TCP, each with a length before it (RFC 1035, section 4.2.2).
package struct DNSStream {
    private var waiting = ByteQueue()

    package init() {}

    /// Takes bytes. Returns the messages that they complete.
    package mutating func receive(_ bytes: [UInt8]) -> [[UInt8]] {
        waiting.append(contentsOf: bytes)
        var messages: [[UInt8]] = []
        while let length = waiting.withUnsafeBytes({ $0.count < 2 ? nil : Int($0[0]) << 8 | Int($0[1]) }),
            waiting.count >= 2 + length
        {
            waiting.removeFirst(2)
            messages.append(waiting.take(length))
        }
        return messages
    }

    package static func framed(_ message: [UInt8]) -> [UInt8] { UInt16(message.count).networkBytes + message }
    package static let longestMessage = Int(UInt16.max)
}
