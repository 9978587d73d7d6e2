import WiFiSimValues

extension MulticastDNS {
    /// A search of MDNS=2 (ESP-AT docs 5.0, TCP-IP, MDNS, Query mDNS Services in the Local Network).
    enum Search: Equatable {
        /// All services of a type, such as `_http` and `_tcp`.
        case services(type: String, proto: String)
        /// The properties of one service.
        case instance(String, type: String, proto: String, wantsTexts: Bool, wantsServer: Bool)
        /// The addresses of a host.
        case host(String, wantsIPv4: Bool, wantsIPv6: Bool)

        private var name: DomainName {
            switch self {
            case .services(let type, let proto): DomainName([type, proto, "local"])
            case .instance(let instance, let type, let proto, _, _): DomainName([instance, type, proto, "local"])
            case .host(let host, _, _): DomainName([host, "local"])
            }
        }

        private var recordType: UInt16 {
            switch self {
            case .services: RecordType.pointer
            case .instance(_, _, _, true, false): RecordType.text
            case .instance(_, _, _, false, _): RecordType.server
            case .host(_, true, false): RecordType.a
            case .host(_, false, _): RecordType.aaaa
            case .instance, .host: RecordType.any
            }
        }

        /// The query message.
        var query: [UInt8] {
            [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0] + name.bytes + recordType.networkBytes + [0, 1]
        }

        /// The results in the records of the answers.
        func findings(in records: [FoundRecord]) -> [Finding] {
            func addresses(of host: DomainName) -> [IPAddress] {
                var found: [IPAddress] = []
                for record in records where record.name == host {
                    if case .address(let address) = record.data, !found.contains(address) { found.append(address) }
                }
                return found
            }
            func texts(of instance: DomainName) -> [String] {
                for record in records where record.name == instance {
                    if case .texts(let texts) = record.data { return texts }
                }
                return []
            }
            func server(of instance: DomainName) -> (host: DomainName, port: UInt16)? {
                for record in records where record.name == instance {
                    if case .server(let host, let port) = record.data { return (host, port) }
                }
                return nil
            }
            func finding(_ instance: DomainName, wantsTexts: Bool = true, wantsServer: Bool = true) -> Finding {
                let server = wantsServer ? server(of: instance) : nil
                return Finding(
                    instance: wantsServer ? instance.labels.first : nil,
                    server: server.map { "\($0.host.text):\($0.port)" },
                    texts: wantsTexts ? texts(of: instance) : [], addresses: server.map { addresses(of: $0.host) } ?? []
                )
            }
            switch self {
            case .services:
                var instances: [DomainName] = []
                for record in records where record.name == name {
                    if case .pointer(let instance) = record.data, !instances.contains(instance) {
                        instances.append(instance)
                    }
                }
                return instances.map { finding($0) }
            case .instance(_, _, _, let wantsTexts, let wantsServer):
                let found = finding(name, wantsTexts: wantsTexts, wantsServer: wantsServer)
                return found.server == nil && found.texts.isEmpty ? [] : [found]
            case .host(_, let wantsIPv4, let wantsIPv6):
                let found = addresses(of: name).filter { $0.family == .v4 ? wantsIPv4 : wantsIPv6 }
                return found.isEmpty ? [] : [Finding(addresses: found)]
            }
        }
    }

    /// One result.
    struct Finding: Equatable {
        var instance: String?
        /// Such as `printer.local:631`.
        var server: String?
        /// Such as `key=value`.
        var texts: [String] = []
        var addresses: [IPAddress] = []
    }

    /// A record of an answer.
    struct FoundRecord: Equatable {
        let name: DomainName
        let data: RecordData
    }

    enum RecordData: Equatable {
        case pointer(DomainName)
        case server(host: DomainName, port: UInt16)
        case texts([String])
        case address(IPAddress)
    }

    /// The most records that one search keeps, and that are read from one message.
    static let recordLimit = 256

    /// The records of an answer, without those of other types. Empty if the message is not an answer. Reading ends at a
    /// damaged record.
    static func records(in message: [UInt8]) -> [FoundRecord] {
        guard message.count <= longestMessage else { return [] }
        var reader = DNSReader(message)
        guard reader.number() != nil, let flags = reader.number(), flags & 0x8000 != 0,
            let questions = reader.number(), questions <= questionLimit, let answers = reader.number(),
            let authorities = reader.number(),
            let additions = reader.number()
        else { return [] }
        for _ in 0..<questions {
            guard reader.name() != nil, reader.number() != nil, reader.number() != nil else { return [] }
        }
        var records: [FoundRecord] = []
        for _ in 0..<min(Int(answers) + Int(authorities) + Int(additions), recordLimit) {
            guard let name = reader.name(), let type = reader.number(), reader.number() != nil, reader.number() != nil,
                reader.number() != nil, let length = reader.number(), reader.position + Int(length) <= message.count
            else { return records }
            let end = reader.position + Int(length)
            if let data = recordData(type, &reader, end) { records.append(FoundRecord(name: name, data: data)) }
            reader.skip(to: end)
        }
        return records
    }

    private static func recordData(_ type: UInt16, _ reader: inout DNSReader, _ end: Int) -> RecordData? {
        let bytes = reader.bytes[reader.position..<end]
        switch type {
        case RecordType.pointer: return reader.name().map { .pointer($0) }
        case RecordType.server:
            guard reader.number() != nil, reader.number() != nil, let port = reader.number(), let host = reader.name()
            else { return nil }
            return .server(host: host, port: port)
        case RecordType.text:
            var texts: [String] = []
            var rest = bytes
            while let length = rest.popFirst() {
                if length > 0 { texts.append(String(decoding: rest.prefix(Int(length)), as: UTF8.self)) }
                rest = rest.dropFirst(Int(length))
            }
            return .texts(texts)
        case RecordType.a where bytes.count == 4:
            return .address(.v4(IPv4Address(rawValue: bytes.reduce(0) { $0 << 8 | UInt32($1) })))
        case RecordType.aaaa where bytes.count == 16:
            func half(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
            return .address(.v6(IPv6Address(high: half(bytes.prefix(8)), low: half(bytes.suffix(8)))))
        default: return nil
        }
    }
}
