import WiFiSimModule
import WiFiSimSimulation
import WiFiSimValues

extension Transcript: CustomStringConvertible {
    /// The text of the transcript's file. Parsing it gives an equal transcript, and printing that gives the same text.
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
    /// The header's lines.
    public var description: String {
        var text = "transcript 1\nprofile \(profile)\n"
        if let world { text += "world \(world)\n" }
        if seed != 0 { text += "seed \(seed)\n" }
        if start == .power { text += "start power\n" }
        if isUART { text += "uart real\n" }
        if let origin { text += "origin \(origin)\n" }
        return text
    }
}

extension Transcript.Content: CustomStringConvertible {
    /// The line's text, without its end; several lines for an unordered group.
    public var description: String {
        switch self {
        case .blank: ""
        case .comment(let text): "#\(text)"
        case .event(let event): event.description
        }
    }
}

extension Transcript.Event: CustomStringConvertible {
    /// The event's text; several lines for an unordered group.
    public var description: String {
        switch self {
        case .host(let payload): "> \(payload)"
        case .module(let expectation): expectation.description
        case .unordered(let items): "unordered\n\(items.map { "  \($0)\n" }.joined())end"
        case .wait(let duration): "wait \(duration.text)"
        case .quiet(let duration): "quiet \(duration.text)"
        case .baud(let rate): "baud \(rate)"
        case .reset: "reset"
        case .pin(let number, let isHigh): "pin \(number) \(isHigh ? "high" : "low")"
        case .power(let isOn): "power \(isOn ? "on" : "off")"
        case .peer(let name, let action): "peer \(name) \(action)"
        case .name(let name, .silent): "name \(name) is silent"
        case .name(let name, .addresses(let addresses)):
            "name \(name) is \(addresses.isEmpty ? "unknown" : addresses.map(\.description).joined(separator: ","))"
        case .world(let change): change.text(quoting: \.transcriptQuoted)
        }
    }
}

extension Transcript.Expectation: CustomStringConvertible {
    /// The expectation's text, from its `<` on.
    public var description: String { "<\(window?.description ?? "") \(payload)" }
}

extension Transcript.Window: CustomStringConvertible {
    /// The window's text, for example `[1s..2s]`.
    public var description: String { "[\(earliest?.text ?? "")..\(latest?.text ?? "")]" }
}

extension Transcript.PeerAction: CustomStringConvertible {
    /// The action's text after the peer's name.
    public var description: String {
        switch self {
        case .listens(_, let endpoint, _, let tls?) where tls.refuses: "refuses ssl \(endpoint)"
        case .listens(let transport, let endpoint, let delay, let tls):
            "listens \(tls == nil ? "\(transport)" : "ssl") \(endpoint)\(tls?.words ?? "")"
                + (delay == .zero ? "" : " after \(delay.text)")
        case .refuses(let transport, let endpoint): "refuses \(transport) \(endpoint)"
        case .ignores(let transport, let endpoint): "ignores \(transport) \(endpoint)"
        case .connects(let transport, let port, let endpoint, let tls):
            "connects \(tls == nil ? "\(transport)" : "ssl") \(port) from \(endpoint)\(tls?.words ?? "")"
        case .sends(let payload): "sends \(payload)"
        case .closes: "closes"
        case .halfCloses: "half-closes"
        case .resets: "resets"
        case .receives(let payload): "receives \(payload)"
        case .sees(let ending): "sees \(ending.rawValue)"
        }
    }
}

extension TLSPeer {
    /// The words after an address, for example ` untrusted mutual`.
    fileprivate var words: String { (isTrusted ? "" : " untrusted") + (wantsCertificate ? " mutual" : "") }
}

extension String {
    /// The text in double quotes, with escapes for all other bytes than printable ASCII.
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
