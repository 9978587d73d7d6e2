import WiFiSimValues

/// ESP-AT docs, TCP/IP AT Commands: configuration of SSL clients.
let sslCommands: [Command] = [
    // The oldest firmware has one client and one certificate, so the mode is the only parameter.
    Command(
        name: "CIPSSLCCONF", family: .tcpIP, firmware: .until(.nonOS1_7), storing: .stored,
        query: { call in call.answer("\(call.settings.ssl[0].authentication)") },
        set: .init(Number("SSL mode", as: SSLSettings.Authentication.self)) { call, authentication in
            let settings = SSLSettings(authentication: authentication)
            call.set(\.ssl, to: [SSLSettings](repeating: settings, count: Links.limit))
            return .ok
        }),

    Command(
        name: "CIPSSLSIZE", family: .tcpIP, firmware: .until(.nonOS1_7),
        set: .init(Integer("size", 2048...4096)) { call, _ in call.hasNoEffect() }),

    Command(
        name: "CIPSSLCCONF", family: .tcpIP, firmware: .since(.esp32_2_1), storing: .chosen,
        query: { call in
            for (id, ssl) in call.settings.ssl.enumerated().prefix(call.session.multiplexes ? Links.limit : 1) {
                call.reply("\(id),\(ssl.authentication),\(ssl.certificate),\(ssl.authority)")
            }
            return .ok
        },
        set: .init(
            LinkID(all: true), Number("auth_mode", as: SSLSettings.Authentication.self),
            Optionally(Number("pki_number", as: SSLSettings.CredentialNumber.self)),
            Optionally(Number("ca_number", as: SSLSettings.CredentialNumber.self))
        ) { (call, id, authentication, certificate, authority) throws(CommandError) in
            // The numbers are required exactly if authentication is on (core library of 4.1, at_setup_cmd_cipsslcconf).
            guard (authentication != 0) == (certificate != nil), (certificate == nil) == (authority == nil) else {
                throw .count((authentication == 0 ? 1 : 3) + (call.session.multiplexes ? 1 : 0))
            }
            let ssl = SSLSettings(
                authentication: authentication, certificate: certificate ?? 0, authority: authority ?? 0)
            for missing in call.module.missingCredentials(of: ssl) { call.module.writeLine("NO \(missing) FOUND") }
            var all = call.settings.ssl
            for id in id == Links.limit ? 0..<Links.limit : id..<id + 1 {
                all[id] = ssl
            }
            call.set(\.ssl, to: all)
            return .ok
        }),

    Command(
        name: "CIPSSLCCIPHER", family: .tcpIP, firmware: .since(.v4_1),
        query: { call in
            for (index, suite) in firmwareCipherSuites.enumerated() { call.reply("\(index),\(suite.cipherText)") }
            return .ok
        },
        set: .init(LinkID(all: true), Integer("counts", 0...255), Rest("cipher_suite")) {
            (call, id, count, rest) throws(CommandError) in
            let suites = try rest.readAll(count, Integer("cipher_suite", 0...0xFFFF)).map { UInt16($0) }
            if let unknown = suites.firstIndex(where: { !firmwareCipherSuites.contains($0) }) {
                throw call.invalid("cipher_suite", index: unknown)
            }
            return try configure(call, id) { $0.cipherSuites = suites }
        }),

    Command(
        name: "CIPSSLCCN", family: .tcpIP, firmware: .since(.esp32_2_1),
        query: { call in replyClients(call) { $0.commonName } },
        set: .init(LinkID(all: true), Text("common name")) { (call, id, name) throws(CommandError) in
            try checkLength(name, of: "common name", call)
            return try configure(call, id) { $0.commonName = name }
        }),

    Command(
        name: "CIPSSLCSNI", family: .tcpIP, firmware: .since(.esp32_2_1),
        query: { call in replyClients(call) { $0.serverName } },
        set: .init(LinkID(all: true), Text("sni")) { (call, id, name) throws(CommandError) in
            try checkLength(name, of: "sni", call)
            return try configure(call, id) { $0.serverName = name }
        }),

    Command(
        name: "CIPSSLCALPN", family: .tcpIP, firmware: .since(.esp32_2_1),
        query: { call in
            replyClients(call) { $0.protocols.joined(separator: ",") }
        },
        set: .init(LinkID(all: true), Integer("counts", 0...5), Rest("alpn")) {
            (call, id, count, rest) throws(CommandError) in
            let protocols = try rest.readAll(count, Text("alpn", 1...255))
            return try configure(call, id) { $0.protocols = protocols }
        }),

    Command(
        name: "CIPSSLCPSK", family: .tcpIP, firmware: .since(.esp32_2_1),
        query: { call in
            // The firmware treats the key as text, which ends at a NUL.
            replyPreSharedKeys(call) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        },
        set: .init(LinkID(all: true), Text("psk", 0...32), Text("hint", 0...32)) {
            (call, id, key, hint) throws(CommandError) in
            try configure(call, id) { $0.preSharedKey = .init(key: Array(key.utf8), identity: Array(hint.utf8)) }
        }),

    Command(
        name: "CIPSSLCPSKHEX", family: .tcpIP, firmware: .since(.v3_3),
        query: { call in replyPreSharedKeys(call, \.hex) },
        set: .init(LinkID(all: true), Text("psk", 0...64), Text("hint", 0...32)) {
            (call, id, digits, hint) throws(CommandError) in
            guard let key = [UInt8](hex: digits) else { throw call.invalid("psk") }
            return try configure(call, id) { $0.preSharedKey = .init(key: key, identity: Array(hint.utf8)) }
        }),
]

private func checkLength(_ name: String, of parameter: String, _ call: Call) throws(CommandError) {
    if let limit = call.firmware.longestSSLName, name.utf8.count > limit {
        throw CommandError(kind: .length, position: call.position(of: parameter))
    }
}

/// An open link keeps its configuration, so a change is refused (core library of 4.1, at_setup_cmd_sni and others).
private func configure(
    _ call: Call, _ id: Int, _ change: (inout SSLClientOptions) -> Void
) throws(CommandError) -> CommandOutcome {
    let ids = id == Links.limit ? 0..<Links.limit : id..<id + 1
    guard ids.allSatisfy({ call.module.links[$0] == nil }) else { throw .failed }
    for id in ids {
        var options = call.session.sslClients[id]
        change(&options)
        call.module.session.sslClients[id] = options
    }
    return .ok
}

/// Writes a line for each link with a value; without CIPMUX=1, only for link 0. The guide shows quotes, which the core
/// libraries do not print.
private func replyClients(_ call: Call, _ text: (SSLClientOptions) -> String) -> CommandOutcome {
    for (id, options) in call.session.sslClients.enumerated().prefix(call.session.multiplexes ? Links.limit : 1) {
        let text = text(options)
        if !text.isEmpty { call.reply("\(id),\(text)") }
    }
    return .ok
}

private func replyPreSharedKeys(_ call: Call, _ keyText: ([UInt8]) -> String) -> CommandOutcome {
    replyClients(call) { options in
        let key = options.preSharedKey
        return key.key.isEmpty ? "" : "\(keyText(key.key)),\(String(decoding: key.identity, as: UTF8.self))"
    }
}

extension Arguments {
    /// Reads the announced number of values.
    fileprivate func readAll<P: Parameter>(_ count: Int, _ parameter: P) throws(CommandError) -> [P.Value] {
        var rest = self
        var values: [P.Value] = []
        for _ in 0..<count { values.append(try parameter.read(from: &rest)) }
        try rest.end()
        return values
    }
}

/// The TLS 1.2 suites of mbed TLS with elliptic curves, RSA and pre-shared keys, in its order of preference.
private let firmwareCipherSuites: [UInt16] = [
    0xC02C, 0xC030, 0xC0AD, 0xC024, 0xC028, 0xC00A, 0xC014, 0xC02B, 0xC02F, 0xC0AC, 0xC023, 0xC027, 0xC009, 0xC013,
    0x009D, 0xC09D, 0x003D, 0x0035, 0x009C, 0xC09C, 0x003C, 0x002F, 0x00A9, 0x00AF, 0x008D, 0x00A8, 0x00AE, 0x008C,
]

extension UInt16 {
    /// Such as `0xC023`.
    fileprivate var cipherText: String {
        let digits = String(self, radix: 16, uppercase: true)
        return "0x" + String(repeating: "0", count: 4 - digits.count) + digits
    }
}
