import WiFiDriverSim

/// Everything that happens to a few modules, from power-up to the end. A session always runs the same way.
///
/// A session is stored as text, one line for each step, so that it stays readable and still works when the generator
/// changes.
package struct Session: Equatable {
    package var firmware: Firmware
    package var moduleCount: Int
    /// Determines the ports of connections.
    package var seed: UInt64
    package var steps: [Step]
}

/// One step. Modules and peers are numbered from 0.
package enum Step: Equatable {
    /// Bytes from the host of a module, in one write.
    case host(module: Int, [UInt8])
    /// The host reads the module's output.
    case read(module: Int)
    case reset(module: Int)
    case powerOff(module: Int)
    case powerOn(module: Int)
    case hangUp(module: Int)
    /// The bit rate of the host's end; 0 follows the module's.
    case baud(module: Int, Int)
    case wait(milliseconds: Int)
    /// A change of the world, in the words of docs/World.md.
    case world(String)
    case peerConnects(Int, Transport, port: UInt16, module: Int, host: UInt8, from: UInt16, hasTLS: Bool)
    case peerSends(Int, count: Int)
    case peerCloses(Int)
    case peerHalfCloses(Int)
    case peerResets(Int)
}

// MARK: As text

extension Session: CustomStringConvertible {
    package var description: String {
        "session \(firmware.name) \(moduleCount) \(seed)\n" + steps.map { "\($0)\n" }.joined()
    }

    /// Parses a session; `nil` for other text.
    package init?(_ text: String) {
        var lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }[...]
        let first = lines.popFirst()?.split(separator: " ").map(String.init) ?? []
        guard first.count == 4, first[0] == "session", let firmware = Firmware.named(first[1]),
            let moduleCount = Int(first[2]), moduleCount > 0, let seed = UInt64(first[3])
        else { return nil }
        self.init(firmware: firmware, moduleCount: moduleCount, seed: seed, steps: [])
        for line in lines {
            guard let step = Step(String(line)) else { return nil }
            steps.append(step)
        }
    }
}

extension Step: CustomStringConvertible {
    package var description: String {
        switch self {
        case .host(let module, let bytes): "\(module) > \(bytes.escaped)"
        case .read(let module): "\(module) read"
        case .reset(let module): "\(module) reset"
        case .powerOff(let module): "\(module) off"
        case .powerOn(let module): "\(module) on"
        case .hangUp(let module): "\(module) hangup"
        case .baud(let module, let rate): "\(module) baud \(rate)"
        case .wait(let milliseconds): "wait \(milliseconds)"
        case .world(let words): "world \(words)"
        case .peerConnects(let peer, let transport, let port, let module, let host, let from, let hasTLS):
            "peer \(peer) connects \(transport) \(port) \(module) \(host) \(from) \(hasTLS ? "tls" : "plain")"
        case .peerSends(let peer, let count): "peer \(peer) sends \(count)"
        case .peerCloses(let peer): "peer \(peer) closes"
        case .peerHalfCloses(let peer): "peer \(peer) halfcloses"
        case .peerResets(let peer): "peer \(peer) resets"
        }
    }

    init?(_ line: String) {
        let words = line.split(separator: " ", maxSplits: 2).map(String.init)
        guard words.count >= 2 else { return nil }
        let rest = words.count == 3 ? words[2] : ""
        switch (words[0], words[1]) {
        case ("wait", let time):
            guard let milliseconds = Int(time), rest.isEmpty else { return nil }
            self = .wait(milliseconds: milliseconds)
        case ("world", _): self = .world(String(line.dropFirst("world ".count)))
        case ("peer", let number):
            guard let peer = Int(number), let step = Step(peer: peer, rest) else { return nil }
            self = step
        default:
            guard let module = Int(words[0]), let step = Step(module: module, words[1], rest) else { return nil }
            self = step
        }
    }

    private init?(module: Int, _ word: String, _ rest: String) {
        switch word {
        case ">":
            guard let bytes = [UInt8](escaped: rest) else { return nil }
            self = .host(module: module, bytes)
        case "read": self = .read(module: module)
        case "reset": self = .reset(module: module)
        case "off": self = .powerOff(module: module)
        case "on": self = .powerOn(module: module)
        case "hangup": self = .hangUp(module: module)
        case "baud":
            guard let rate = Int(rest) else { return nil }
            self = .baud(module: module, rate)
        default: return nil
        }
    }

    private init?(peer: Int, _ rest: String) {
        let words = rest.split(separator: " ").map(String.init)
        switch (words.first, words.count) {
        case ("closes", 1): self = .peerCloses(peer)
        case ("halfcloses", 1): self = .peerHalfCloses(peer)
        case ("resets", 1): self = .peerResets(peer)
        case ("sends", 2):
            guard let count = Int(words[1]) else { return nil }
            self = .peerSends(peer, count: count)
        case ("connects", 7):
            guard let port = UInt16(words[2]), let module = Int(words[3]), let host = UInt8(words[4]),
                let from = UInt16(words[5])
            else { return nil }
            self = .peerConnects(
                peer, words[1] == "udp" ? .udp : .tcp, port: port, module: module, host: host, from: from,
                hasTLS: words[6] == "tls")
        default: return nil
        }
    }
}

extension [UInt8] {
    /// Printable ASCII unchanged, all other bytes as `\xx`.
    fileprivate var escaped: String {
        var text = ""
        for byte in self {
            if (0x20..<0x7F).contains(byte), byte != UInt8(ascii: "\\") {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += (byte < 16 ? "\\0" : "\\") + String(byte, radix: 16)
            }
        }
        return text
    }

    fileprivate init?(escaped text: String) {
        self = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                return nil
            }
            append(value)
            rest = rest.dropFirst(2)
        }
    }
}
