import WiFiSimValues

/// One message of the module on the line.
enum ModuleMessage: Equatable {
    /// `OK`.
    case ok
    /// `ERROR`, or `FAIL` in the dialect of generation 1.
    case error
    /// `>`: the module is ready for the bytes announced to CIPSEND.
    case prompt
    /// `SEND OK`.
    case sendOK
    /// `SEND FAIL`.
    case sendFailed
    /// `busy p...` or `busy s...`: the module did not take the last line.
    case busy
    /// `ready`: the module has started.
    case ready
    /// `3,CONNECT`, or `+LINK_CONN:…` with the details.
    case linkOpened(link: Int, LinkDetails?)
    /// `3,CLOSED`.
    case linkClosed(link: Int)
    /// `+IPD,3,512` without data: bytes wait in the module.
    case dataWaiting(link: Int)
    /// The head of a message with payload. The bytes follow.
    case payload(PayloadHeader)
    case joinedNetwork
    /// `WIFI GOT IP`.
    case gotAddress
    case leftNetwork
    case stationJoined(MACAddress)
    case stationLeft(MACAddress)
    /// Any other line: an information line of a reply, or a report that this driver does not use.
    case text([UInt8])
}

/// The details of a new link in `+LINK_CONN`.
struct LinkDetails: Equatable {
    var isUDP: Bool
    /// The peer opened it, through the module's server.
    var isIncoming: Bool
    var peer: Endpoint
    var localPort: UInt16
}

/// The head of a message with payload.
struct PayloadHeader: Equatable {
    enum Origin: Equatable {
        /// `+IPD,3,512:`: the module pushes what a link received.
        case pushed(link: Int)
        /// `+CIPRECVDATA`: the answer to a read.
        case read
    }

    var origin: Origin
    /// In bytes.
    var count: Int
    /// The sender, if CIPDINFO=1 adds it.
    var source: Endpoint?
}

extension ModuleMessage {
    /// Reads a complete line without its line end. An unknown line is `text`.
    init(line: UnsafeRawBufferPointer) {
        self = ModuleMessage.known(line) ?? .text(Array(line))
    }

    private static func known(_ line: UnsafeRawBufferPointer) -> ModuleMessage? {
        guard let first = line.first else { return nil }
        switch first {
        case UInt8(ascii: "O") where line.matches("OK"): return .ok
        case UInt8(ascii: "E") where line.matches("ERROR"): return .error
        case UInt8(ascii: "F") where line.matches("FAIL"): return .error
        case UInt8(ascii: "S") where line.matches("SEND OK"): return .sendOK
        case UInt8(ascii: "S") where line.matches("SEND FAIL"): return .sendFailed
        case UInt8(ascii: "b") where line.matches("busy p...") || line.matches("busy s..."): return .busy
        case UInt8(ascii: "r") where line.matches("ready"): return .ready
        case UInt8(ascii: "W"): return network(line)
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return link(line)
        case UInt8(ascii: "+"): return report(line)
        default: return nil
        }
    }

    private static func network(_ line: UnsafeRawBufferPointer) -> ModuleMessage? {
        if line.matches("WIFI CONNECTED") { return .joinedNetwork }
        if line.matches("WIFI GOT IP") { return .gotAddress }
        if line.matches("WIFI DISCONNECT") { return .leftNetwork }
        return nil
    }

    private static func link(_ line: UnsafeRawBufferPointer) -> ModuleMessage? {
        guard line.count > 2, line[1] == UInt8(ascii: ",") else { return nil }
        let link = Int(line[0] - UInt8(ascii: "0"))
        let event = UnsafeRawBufferPointer(rebasing: line[2...])
        if event.matches("CONNECT") { return .linkOpened(link: link, nil) }
        // `CONNECT FAIL` ends a CIPSTART in the oldest firmware of generation 1.
        if event.matches("CLOSED") || event.matches("CONNECT FAIL") { return .linkClosed(link: link) }
        return nil
    }

    private static func report(_ line: UnsafeRawBufferPointer) -> ModuleMessage? {
        if line.starts(with: "+IPD,") {
            var fields = FieldReader(line, after: 5)
            guard let link = fields.integer(), (0...9).contains(link), fields.integer() != nil else { return nil }
            return .dataWaiting(link: link)
        }
        if line.starts(with: "+LINK_CONN:") {
            // +LINK_CONN:<0 = opened>,<link>,"TCP",<1 = incoming>,"<peer>",<peer's port>,<local port>
            var fields = FieldReader(line, after: 11)
            guard fields.integer() == 0, let link = fields.integer(), (0...9).contains(link), let type = fields.text(),
                let incoming = fields.integer(), let ip = fields.ip(), let port = fields.port(),
                let local = fields.port()
            else { return nil }
            let details = LinkDetails(
                isUDP: type.starts(with: "UDP".utf8), isIncoming: incoming == 1,
                peer: Endpoint(ip, port), localPort: local)
            return .linkOpened(link: link, details)
        }
        if line.starts(with: "+STA_CONNECTED:") {
            var fields = FieldReader(line, after: 15)
            return fields.mac().map { .stationJoined($0) }
        }
        if line.starts(with: "+STA_DISCONNECTED:") {
            var fields = FieldReader(line, after: 18)
            return fields.mac().map { .stationLeft($0) }
        }
        return nil
    }
}

extension UnsafeRawBufferPointer {
    func matches(_ text: StaticString) -> Bool { count == text.utf8CodeUnitCount && starts(with: text) }

    func starts(with text: StaticString) -> Bool {
        let length = text.utf8CodeUnitCount
        guard count >= length else { return false }
        for index in 0..<length where self[index] != text.utf8Start[index] { return false }
        return true
    }
}
