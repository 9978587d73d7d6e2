/// The messages of multicast DNS (RFC 6762), as far as a module needs them that offers a service or looks for some
/// (RFC 6763).
enum MulticastDNS {
    static let group = Endpoint(.v4(IPv4Address(224, 0, 0, 251)), 5353)

    /// A service as MDNS describes it (ESP-AT docs, TCP-IP, MDNS).
    struct Service: Equatable {
        var host: String
        /// As `_iot`.
        var type: String
        var port: UInt16
        var instance: String
        /// As `_tcp`.
        var proto: String
        /// As `key=value`.
        var texts: [String]

        fileprivate var typeName: [String] { [type, proto, "local"] }
        fileprivate var instanceName: [String] { [instance] + typeName }
        fileprivate var hostName: [String] { [host, "local"] }
    }

    private static let headerLength = 12
    /// More in one message than this nobody asks in earnest.
    private static let questionLimit = 64

    struct Question: Equatable {
        let name: [String]
        let type: UInt16
        let wantsUnicast: Bool
    }

    enum RecordType {
        static let a: UInt16 = 1
        static let pointer: UInt16 = 12
        static let text: UInt16 = 16
        static let aaaa: UInt16 = 28
        static let server: UInt16 = 33
        static let any: UInt16 = 255
    }

    /// The questions of a query; none of anything else, or of what is broken.
    static func questions(in message: [UInt8]) -> [Question] { readQuestions(message).questions }

    /// The questions, and where they end.
    private static func readQuestions(_ message: [UInt8]) -> (questions: [Question], end: Int) {
        var reader = Reader(bytes: message)
        guard reader.number() != nil, let flags = reader.number(), flags & 0x8000 == 0, let count = reader.number(),
            reader.number() != nil, reader.number() != nil, reader.number() != nil
        else { return ([], 0) }
        var questions: [Question] = []
        for _ in 0..<count {
            guard let name = reader.name(), let type = reader.number(), let kind = reader.number() else {
                return ([], 0)
            }
            questions.append(Question(name: name, type: type, wantsUnicast: kind & 0x8000 != 0))
        }
        return (questions, reader.position)
    }

    /// The answer of a module at this address; `nil` if none of the questions is about its service.
    /// - Parameters:
    ///   - question: the message that asks.
    ///   - service: what the module offers.
    ///   - address: the module's own.
    ///   - repeatsQuestion: and its ID, for an asker that takes no part in multicast DNS (RFC 6762, section 6.7).
    /// - Returns: the message.
    static func answer(
        to question: [UInt8], for service: Service, at address: IPv4Address, repeatsQuestion: Bool
    ) -> [UInt8]? {
        var answers: [Record] = []
        var additions: [Record] = []
        let (host, server) = (Record.address(of: service, address), Record.server(of: service))
        let (text, pointer) = (Record.text(of: service), Record.pointer(to: service))
        let (questions, end) = readQuestions(question)
        guard questions.count <= questionLimit else { return nil }
        for question in questions {
            func asks(_ name: [String], _ type: UInt16) -> Bool {
                question.name.map { $0.lowercased() } == name.map { $0.lowercased() }
                    && (question.type == type || question.type == RecordType.any)
            }
            if asks(["_services", "_dns-sd", "_udp", "local"], RecordType.pointer) {
                answers.append(.type(of: service))
            }
            if asks(service.typeName, RecordType.pointer) {
                answers.append(pointer)
                additions += [server, text, host]
            }
            if asks(service.instanceName, RecordType.server) {
                answers.append(server)
                additions.append(host)
            }
            if asks(service.instanceName, RecordType.text) { answers.append(text) }
            if asks(service.hostName, RecordType.a) { answers.append(host) }
        }
        guard !answers.isEmpty else { return nil }
        additions = additions.enumerated().filter { index, record in
            !answers.contains(record) && !additions[..<index].contains(record)
        }.map(\.element)
        let id = repeatsQuestion ? Array(question.prefix(2)) : [0, 0]
        let repeated = repeatsQuestion ? Array(question[headerLength..<end]) : []
        // A response with authority.
        return id + [0x84, 0] + bytes(UInt16(repeatsQuestion ? questions.count : 0)) + bytes(UInt16(answers.count))
            + [0, 0] + bytes(UInt16(additions.count)) + repeated
            + (answers + additions).flatMap { $0.bytes(flushes: !repeatsQuestion) }
    }

    private struct Record: Equatable {
        let name: [String]
        let type: UInt16
        /// The only one of its name and type.
        let isUnique: Bool
        let seconds: UInt32
        let data: [UInt8]

        static func address(of service: Service, _ address: IPv4Address) -> Record {
            Record(
                name: service.hostName, type: RecordType.a, isUnique: true, seconds: 120,
                data: MulticastDNS.bytes(address.rawValue))
        }

        static func server(of service: Service) -> Record {
            Record(
                name: service.instanceName, type: RecordType.server, isUnique: true, seconds: 120,
                data: [0, 0, 0, 0] + MulticastDNS.bytes(service.port) + MulticastDNS.bytes(service.hostName))
        }

        static func text(of service: Service) -> Record {
            let texts = service.texts.isEmpty ? [""] : service.texts
            return Record(
                name: service.instanceName, type: RecordType.text, isUnique: true, seconds: 4500,
                data: texts.flatMap(MulticastDNS.counted))
        }

        static func pointer(to service: Service) -> Record {
            Record(
                name: service.typeName, type: RecordType.pointer, isUnique: false, seconds: 4500,
                data: MulticastDNS.bytes(service.instanceName))
        }

        static func type(of service: Service) -> Record {
            Record(
                name: ["_services", "_dns-sd", "_udp", "local"], type: RecordType.pointer, isUnique: false,
                seconds: 4500, data: MulticastDNS.bytes(service.typeName))
        }

        func bytes(flushes: Bool) -> [UInt8] {
            MulticastDNS.bytes(name) + MulticastDNS.bytes(type)
                + MulticastDNS.bytes(isUnique && flushes ? 0x8001 as UInt16 : 1) + MulticastDNS.bytes(seconds)
                + MulticastDNS.bytes(UInt16(data.count)) + data
        }
    }

    static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }

    static func bytes(_ name: [String]) -> [UInt8] { name.flatMap(counted) + [0] }

    /// At most 63 bytes of a label, 255 of a text, behind their count.
    private static func counted(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8.prefix(255))
        return [UInt8(bytes.count)] + bytes
    }

    /// Reads a message from the front.
    struct Reader {
        let bytes: [UInt8]
        var position = 0

        mutating func number() -> UInt16? {
            guard position + 2 <= bytes.count else { return nil }
            defer { position += 2 }
            return UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
        }

        /// A name, of which a pointer may lead to the rest, ever further to the front.
        mutating func name() -> [String]? {
            var labels: [String] = []
            var place = position
            var end: Int?
            // Each pointer has to lead further to the front than all before it: else a name could have no end.
            var limit = position
            while place < bytes.count {
                let length = Int(bytes[place])
                if length == 0 {
                    position = end ?? place + 1
                    return labels
                }
                if length >= 0xC0 {
                    guard place + 1 < bytes.count else { return nil }
                    let target = (length & 0x3F) << 8 | Int(bytes[place + 1])
                    guard target < limit else { return nil }
                    end = end ?? place + 2
                    place = target
                    limit = target
                } else {
                    guard place + 1 + length <= bytes.count else { return nil }
                    labels.append(String(decoding: bytes[place + 1..<place + 1 + length], as: UTF8.self))
                    place += 1 + length
                }
            }
            return nil
        }
    }
}
