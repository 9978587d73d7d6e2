import WiFiDriverSim

/// Generates a session from a seed. About half of the host's lines are meant to work, so that modules reach states in
/// which the other lines matter.
package struct Generator {
    private var random: SeededRandom
    private var steps: [Step] = []
    private var lines: [[UInt8]] = []
    private var firmware = Firmware.standard
    private var moduleCount = 1

    static let peerCount = 6
    static let plainPort: UInt16 = 8000
    static let tlsPort: UInt16 = 8443
    static let refusingPort: UInt16 = 8444

    /// The session for a seed, with one of `profiles`, which must not be empty.
    package static func session(seed: UInt64, profiles: [Firmware] = Firmware.all) -> Session {
        var generator = Generator(random: SeededRandom(seed))
        return generator.session(seed: seed, profiles: profiles)
    }

    private mutating func session(seed: UInt64, profiles: [Firmware]) -> Session {
        firmware = pick(profiles)
        moduleCount = pick([1, 1, 1, 2, 3])
        if chance(75) { for module in 0..<moduleCount { join(module) } }
        for _ in 0..<(5 + below(chance(10) ? 200 : 50)) { addStep() }
        return Session(firmware: firmware, moduleCount: moduleCount, seed: seed, steps: steps)
    }

    private mutating func join(_ module: Int) {
        for line in ["AT+CWMODE=\(pick([1, 3]))", "AT+CWJAP=\"wifisim\",\"password\""] {
            steps += [
                .host(module: module, Array("\(line)\r\n".utf8)), .wait(milliseconds: 8000), .read(module: module),
            ]
        }
        if chance(60) { steps += [.host(module: module, Array("AT+CIPMUX=1\r\n".utf8)), .wait(milliseconds: 10)] }
    }

    private mutating func addStep() {
        let module = below(moduleCount)
        switch below(100) {
        case ..<40: say(usefulLine(), module, waiting: [0, 1, 50, 2000, 8000])
        case ..<62: say(anyLine(), module, waiting: [0, 1, 50, 2000])
        case ..<68: sayMutated(module)
        case ..<74: write(randomBytes(pick([1, 3, 20, 100, 255, 256, 257, 1000, 5000, 70_000])), to: module)
        case ..<78:
            steps.append(.wait(milliseconds: pick([0, 20, 1000])))
            steps.append(.host(module: module, Array(pick(["+++", "+", "++", "++++"]).utf8)))
            steps.append(.wait(milliseconds: pick([0, 20, 1000, 1100])))
        case ..<84: steps.append(.world(worldChange()))
        case ..<87:
            steps.append(
                pick([
                    .reset(module: module), .powerOff(module: module), .powerOn(module: module),
                    .hangUp(module: module),
                    .baud(module: module, pick([0, 0, 9600, 115_200, 80, 5_000_000])),
                ]))
        case ..<96: steps.append(peerStep())
        default: steps.append(.wait(milliseconds: pick([1, 1000, 30_000, 130_000, 7_300_000])))
        }
        if chance(80) { steps.append(.read(module: module)) }
    }

    // MARK: Lines

    private mutating func say(_ line: String, _ module: Int, waiting times: [Int]) {
        let end = chance(95) ? "\r\n" : pick(["\r", "\n", "", "\n\r", "\r\r\n"])
        let bytes = Array((line + end).utf8)
        lines.append(bytes)
        write(bytes, to: module)
        steps.append(.wait(milliseconds: pick(times)))
    }

    /// Adds bytes in one write, or in several with short pauses between them.
    private mutating func write(_ bytes: [UInt8], to module: Int) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = chance(70) ? rest.count : 1 + below(rest.count)
            steps.append(.host(module: module, Array(rest.prefix(count))))
            rest = rest.dropFirst(count)
            if chance(20) { steps.append(.wait(milliseconds: below(30))) }
        }
    }

    private mutating func sayMutated(_ module: Int) {
        guard !lines.isEmpty else { return }
        var line = pick(lines)
        for _ in 0..<(1 + below(4)) where !line.isEmpty {
            let index = below(line.count)
            switch below(4) {
            case 0: line[index] = UInt8(below(256))
            case 1: line.remove(at: index)
            case 2: line.insert(UInt8(below(256)), at: index)
            default: line.insert(contentsOf: line[index...].prefix(below(40)), at: index)
            }
        }
        write(line, to: module)
    }

    /// A command that most modules can carry out.
    private mutating func usefulLine() -> String {
        pick(Vocabulary.useful)
            .replacing("LINK", with: "\(below(5))")
            .replacing("PORT", with: "\(pick(Vocabulary.ports))")
            .replacing("COUNT", with: "\(pick(Vocabulary.counts))")
            .replacing("ADDRESS", with: pick(Vocabulary.addresses))
            .replacing("MAC", with: pick(Vocabulary.macs))
            .replacing("SMALL", with: "\(below(8))")
    }

    /// A command of the firmware, with parameters that may be valid.
    private mutating func anyLine() -> String {
        let command = pick(firmware.commands)
        let name = command.name + (command.suffixes.isEmpty || chance(50) ? "" : pick(command.suffixes))
        switch below(10) {
        case 0: return name + "?"
        case 1: return name
        case 2: return name + "=?"
        default: return name + "=" + parameters(command.parameters)
        }
    }

    private mutating func parameters(_ syntax: String) -> String {
        let fields = syntax.split(separator: ",")
        guard chance(75), !fields.isEmpty else {
            return (0..<below(9)).map { _ in chance(50) ? quoted() : pick(Vocabulary.numbers) }.joined(separator: ",")
        }
        var values: [String] = []
        for field in fields {
            let isText = ["\"", "host", "type"].contains { field.contains($0) }
            if field.hasPrefix("["), chance(35) {
                if chance(50) { break }
                values.append("")
            } else if chance(8) ? !isText : isText {
                values.append(quoted())
            } else {
                values.append(chance(60) ? pick(Array(Vocabulary.numbers.prefix(16))) : pick(Vocabulary.numbers))
            }
        }
        return values.joined(separator: ",")
    }

    private mutating func quoted() -> String {
        switch below(12) {
        case 0: "\"\""
        case 1:
            "\"\(String(repeating: "A", count: pick([1, 8, 15, 16, 31, 32, 33, 63, 64, 65, 128, 200, 250, 10_000])))\""
        case 2: "\"\(pick(Vocabulary.macs))\""
        case 3, 4, 5: "\"\(pick(Vocabulary.addresses))\""
        case 6: "\"\(String(repeating: pick(["é", "😀", "\\\"", "\\\\", "\\,", "\"", "%s%n"]), count: below(40)))\""
        case 7: "\"unclosed"
        default: "\"\(pick(Vocabulary.texts))\""
        }
    }

    private mutating func randomBytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(below(256)) } }

    // MARK: The surroundings

    private mutating func worldChange() -> String {
        let accessPoint = pick(["wifisim", "open1", "ESP_000001", "ESP_000002", "ap", "1e:30:6c:a2:45:5e"])
        let gateway = pick(["10.0.2.2", "192.168.9.1", "255.255.255.254", "0.0.0.1", "255.255.255.255", "224.0.0.1"])
        return pick([
            "ap \(accessPoint) off", "ap \(accessPoint) on", "ap \(accessPoint) channel \(pick([1, 6, 14]))",
            "ap \(accessPoint) rssi \(-below(101))",
            "ap \(accessPoint) password \(pick(["password", "\"\"", "other123"]))",
            "ap \(accessPoint) subnet \(gateway)/\(pick([0, 1, 8, 24, 30, 31, 32]))",
            "ap \(accessPoint) leases \(pick(Vocabulary.addresses))",
            "ap \(accessPoint) dhcp \(pick(["on", "off", "full"]))",
            "ap \(accessPoint) dns \(pick(["on", "off"]))", "ap \(accessPoint) route \(pick(["on", "off"]))",
            "ap \(accessPoint) wps", "station phone joins \(accessPoint)",
            "station phone joins \(accessPoint) 12345678",
            "station phone leaves",
            "smartconfig \(pick(["esptouch", "airkiss", "esptouch-v2"])) wifisim password",
        ])
    }

    private mutating func peerStep() -> Step {
        let peer = below(Self.peerCount)
        switch below(7) {
        case 0, 1:
            return .peerConnects(
                peer, chance(70) ? .tcp : .udp, port: pick([80, 443, 333, 1000, 5353, 7]), module: below(moduleCount),
                host: UInt8(2 + below(4)), from: UInt16(30_000 + below(1000)), hasTLS: chance(20))
        case 2, 3, 4: return .peerSends(peer, count: pick([0, 1, 10, 1460, 1461, 3000, 70_000, 300_000]))
        case 5: return chance(50) ? .peerCloses(peer) : .peerHalfCloses(peer)
        default: return .peerResets(peer)
        }
    }

    // MARK: Chance

    private mutating func below(_ limit: Int) -> Int { limit <= 1 ? 0 : Int(random.next() % UInt64(limit)) }
    private mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
    private mutating func pick<Element>(_ list: [Element]) -> Element { list[below(list.count)] }
}

/// Random numbers determined by a seed (xorshift64*).
private struct SeededRandom {
    private var state: UInt64

    init(_ seed: UInt64) {
        state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        for _ in 0..<8 { _ = next() }
    }

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }
}
