extension Transcript: CustomStringConvertible {
    /// The transcript as a file has it. Reading that gives the same transcript; a file that was printed is printed the
    /// same.
    public var description: String {
        var text = header.description
        for line in lines {
            text += line.content.description
            text += "\n"
        }
        return text
    }
}

extension Transcript.Header: CustomStringConvertible {
    public var description: String {
        var text = "transcript 1\nprofile \(profile)\n"
        if let world { text += "world \(world)\n" }
        if seed != 0 { text += "seed \(seed)\n" }
        if start == .power { text += "start power\n" }
        if let origin { text += "origin \(origin)\n" }
        return text
    }
}

extension Transcript.Content: CustomStringConvertible {
    public var description: String {
        switch self {
        case .blank: ""
        case .comment(let text): "#\(text)"
        case .event(let event): event.description
        }
    }
}

extension Transcript.Event: CustomStringConvertible {
    public var description: String {
        switch self {
        case .host(let payload): "> \(payload)"
        case .module(let expectation): expectation.description
        case .unordered(let items): "unordered\n\(items.map { "  \($0)\n" }.joined())end"
        case .wait(let duration): "wait \(duration.transcriptText)"
        case .quiet(let duration): "quiet \(duration.transcriptText)"
        case .baud(let rate): "baud \(rate)"
        case .reset: "reset"
        case .power(let isOn): "power \(isOn ? "on" : "off")"
        case .peer(let name, let action): "peer \(name) \(action)"
        case .name(let name, .silent): "name \(name) is silent"
        case .name(let name, .addresses(let addresses)):
            "name \(name) is \(addresses.isEmpty ? "unknown" : addresses.map(\.description).joined(separator: ","))"
        case .accessPoint(let ssid, let change): "ap \(ssid.transcriptQuoted) \(change)"
        case .smartConfig(let type, let ssid, let password, let key):
            "smartconfig \(type.rawValue) \(ssid.transcriptQuoted) \(password.transcriptQuoted)"
                + (key.map { " \($0.transcriptQuoted)" } ?? "")
        case .station(let name, let action): "station \(name.transcriptQuoted) \(action)"
        }
    }
}

extension Transcript.Expectation: CustomStringConvertible {
    public var description: String { "<\(window?.description ?? "") \(payload)" }
}

extension Transcript.Window: CustomStringConvertible {
    public var description: String { "[\(earliest?.transcriptText ?? "")..\(latest?.transcriptText ?? "")]" }
}

extension Transcript.PeerAction: CustomStringConvertible {
    public var description: String {
        switch self {
        case .listens(let transport, let endpoint, .zero): "listens \(transport) \(endpoint)"
        case .listens(let transport, let endpoint, let delay):
            "listens \(transport) \(endpoint) after \(delay.transcriptText)"
        case .refuses(let transport, let endpoint): "refuses \(transport) \(endpoint)"
        case .ignores(let transport, let endpoint): "ignores \(transport) \(endpoint)"
        case .connects(let transport, let port, let endpoint): "connects \(transport) \(port) from \(endpoint)"
        case .sends(let payload): "sends \(payload)"
        case .closes: "closes"
        case .halfCloses: "half-closes"
        case .resets: "resets"
        case .receives(let payload): "receives \(payload)"
        case .sees(let ending): "sees \(ending.rawValue)"
        }
    }
}

extension Transcript.StationAction: CustomStringConvertible {
    public var description: String {
        switch self {
        case .joins(let ssid, nil): "joins \(ssid.transcriptQuoted)"
        case .joins(let ssid, let password?): "joins \(ssid.transcriptQuoted) \(password.transcriptQuoted)"
        case .leaves: "leaves"
        }
    }
}

extension Transcript.AccessPointChange: CustomStringConvertible {
    public var description: String {
        switch self {
        case .on: "on"
        case .off: "off"
        case .channel(let channel): "channel \(channel)"
        case .rssi(let strength): "rssi \(strength)"
        case .password(let password): "password \(password.transcriptQuoted)"
        case .wps: "wps"
        case .leases(let address): "leases \(address)"
        }
    }
}

extension String {
    /// In double quotes, with escapes for what cannot stand there.
    fileprivate var transcriptQuoted: String {
        var text = "\""
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                text += "\\"
                text.unicodeScalars.append(Unicode.Scalar(byte))
            case 0x20..<0x7F: text.unicodeScalars.append(Unicode.Scalar(byte))
            default: text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return text + "\""
    }
}
