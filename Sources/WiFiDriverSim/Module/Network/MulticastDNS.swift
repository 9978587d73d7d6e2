import WiFiSimValues

/// The messages of multicast DNS (RFC 6762), as far as a module needs them to offer a service or to search for services
/// (RFC 6763).
enum MulticastDNS {
    static let group = Endpoint(.v4(IPv4Address(224, 0, 0, 251)), 5353)

    /// A service as MDNS describes it (ESP-AT docs, TCP-IP, MDNS).
    struct Service: Equatable {
        var host: String
        /// Such as `_iot`.
        var type: String
        var port: UInt16
        var instance: String
        /// Such as `_tcp`.
        var proto: String
        /// Such as `key=value`.
        var texts: [String]

        fileprivate var typeName: DomainName { DomainName([type, proto, "local"]) }
        fileprivate var instanceName: DomainName { DomainName([instance, type, proto, "local"]) }
        fileprivate var hostName: DomainName { DomainName([host, "local"]) }
    }

    private static let headerLength = 12
    /// The limit of a message in bytes (RFC 6762, section 17). A longer one is ignored.
    static let longestMessage = 9000
    /// A message with more questions is ignored.
    static let questionLimit = 64
    private static let allServices = DomainName(["_services", "_dns-sd", "_udp", "local"])

    struct Question: Equatable {
        let name: DomainName
        let type: UInt16
        let wantsUnicast: Bool
    }

    /// A query: its questions, and the position where they end.
    struct Query: Equatable {
        fileprivate(set) var questions: [Question] = []
        fileprivate(set) var end = 0
    }

    /// Reads a query. `nil` for any other message, a damaged one, or more questions than `questionLimit`.
    static func query(in message: [UInt8]) -> Query? {
        guard message.count <= longestMessage else { return nil }
        var reader = DNSReader(message)
        guard reader.number() != nil, let flags = reader.number(), flags & 0x8000 == 0, let count = reader.number(),
            count <= questionLimit, reader.number() != nil, reader.number() != nil, reader.number() != nil
        else { return nil }
        var query = Query()
        for _ in 0..<count {
            guard let name = reader.name(), let type = reader.number(), let kind = reader.number() else { return nil }
            query.questions.append(Question(name: name, type: type, wantsUnicast: kind & 0x8000 != 0))
        }
        query.end = reader.position
        return query
    }

    /// The answer of a module. `nil` if none of the questions is about its service.
    /// - Parameters:
    ///   - message: the query message.
    ///   - service: the service that the module offers.
    ///   - address: the module's own address.
    ///   - repeatsQuestion: whether to repeat the ID and the questions, for a client that does not take part in
    ///     multicast DNS (RFC 6762, section 6.7).
    /// - Returns: the message, and whether to send it only to the client.
    static func answer(
        to message: [UInt8], for service: Service, at address: IPv4Address, repeatsQuestion: Bool
    ) -> (message: [UInt8], isUnicast: Bool)? {
        guard let query = query(in: message) else { return nil }
        var answers: [Record] = []
        var additions: [Record] = []
        let (host, server) = (Record.address(of: service, address), Record.server(of: service))
        let (text, pointer) = (Record.text(of: service), Record.pointer(to: service))
        for question in query.questions {
            func asks(_ name: DomainName, _ type: UInt16) -> Bool {
                question.name == name && (question.type == type || question.type == RecordType.any)
            }
            if asks(allServices, RecordType.pointer) { answers.append(.type(of: service)) }
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
        // Each record once, however many questions ask for it.
        answers = withoutRepetitions(answers)
        additions = withoutRepetitions(additions).filter { !answers.contains($0) }
        let id = repeatsQuestion ? Array(message.prefix(2)) : [0, 0]
        let repeated = repeatsQuestion ? Array(message[headerLength..<query.end]) : []
        let questionCount = repeatsQuestion ? query.questions.count : 0
        // Flags: an authoritative response.
        let answer =
            id + [0x84, 0] + UInt16(questionCount).networkBytes + UInt16(answers.count).networkBytes
            + [0, 0] + UInt16(additions.count).networkBytes + repeated
            + (answers + additions).flatMap { $0.bytes(flushes: !repeatsQuestion) }
        return (answer, query.questions.allSatisfy(\.wantsUnicast))
    }

    private static func withoutRepetitions(_ records: [Record]) -> [Record] {
        records.reduce(into: []) { found, record in
            if !found.contains(record) { found.append(record) }
        }
    }

    private struct Record: Equatable {
        let name: DomainName
        let type: UInt16
        /// Whether it is the only record of its name and type.
        let isUnique: Bool
        let seconds: UInt32
        let data: [UInt8]

        static func address(of service: Service, _ address: IPv4Address) -> Record {
            Record(
                name: service.hostName, type: RecordType.a, isUnique: true, seconds: 120,
                data: address.rawValue.networkBytes)
        }

        static func server(of service: Service) -> Record {
            Record(
                name: service.instanceName, type: RecordType.server, isUnique: true, seconds: 120,
                data: [0, 0, 0, 0] + service.port.networkBytes + service.hostName.bytes)
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
                data: service.instanceName.bytes)
        }

        static func type(of service: Service) -> Record {
            Record(
                name: allServices, type: RecordType.pointer, isUnique: false, seconds: 4500,
                data: service.typeName.bytes)
        }

        func bytes(flushes: Bool) -> [UInt8] {
            name.bytes + type.networkBytes + (isUnique && flushes ? 0x8001 as UInt16 : 1).networkBytes
                + seconds.networkBytes + UInt16(data.count).networkBytes + data
        }
    }

    /// The first 255 bytes of a text, after their count.
    private static func counted(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8.prefix(255))
        return [UInt8(bytes.count)] + bytes
    }
}
