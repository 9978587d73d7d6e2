/// Sends readings to a TCP server through an ESP-AT module, and starts over when something fails.
///
/// It does no input or output of its own. Call `receive(_:)` with what the module sends and `tick()` once a second, and write
/// what `takeOutput()` returns to the serial line.
public struct Uplink {
    public let ssid: String
    public let password: String
    public let server: (address: String, port: Int)
    /// The readings that the server has not got.
    public private(set) var waiting: [Int] = []
    public private(set) var state = State.idle

    public enum State: Equatable {
        case idle, settingMode, joining, connecting, ready, announcing, sending
        /// The seconds until it starts over.
        case waiting(Int)
    }

    private var output = ""
    private var line = ""

    public init(ssid: String, password: String, server: (address: String, port: Int)) {
        self.ssid = ssid
        self.password = password
        self.server = server
    }

    public mutating func add(_ reading: Int) {
        waiting.append(reading)
        advance()
    }

    public mutating func takeOutput() -> String {
        defer { output = "" }
        return output
    }

    public mutating func receive(_ text: String) {
        for character in text.unicodeScalars {
            if state == .announcing, line.isEmpty, character == ">" {
                state = .sending
                output += block
            } else if character == "\n" {
                handle(line)
                line = ""
            } else if character != "\r" {
                line.unicodeScalars.append(character)
            }
        }
    }

    public mutating func tick() {
        guard case .waiting(let seconds) = state else { return }
        state = seconds > 1 ? .waiting(seconds - 1) : .idle
        advance()
    }

    private var block: String { waiting.first.map { "\($0)\n" } ?? "" }

    private mutating func handle(_ line: String) {
        switch (line, state) {
        case ("OK", .settingMode): ask("AT+CWJAP=\"\(ssid)\",\"\(password)\"", .joining)
        case ("OK", .joining): ask("AT+CIPSTART=\"TCP\",\"\(server.address)\",\(server.port)", .connecting)
        case ("OK", .connecting):
            state = .ready
            advance()
        case ("SEND OK", .sending):
            waiting.removeFirst()
            state = .ready
            advance()
        // CWJAP leaves the network that the station is in.
        case ("WIFI DISCONNECT", .joining): break
        case ("ERROR", _), ("FAIL", _), ("SEND FAIL", _), ("CLOSED", _), ("WIFI DISCONNECT", _), ("ready", _):
            state = .waiting(5)
        default: break
        }
    }

    private mutating func advance() {
        guard !waiting.isEmpty else { return }
        switch state {
        case .idle: ask("AT+CWMODE=1", .settingMode)
        case .ready: ask("AT+CIPSEND=\(block.utf8.count)", .announcing)
        default: break
        }
    }

    private mutating func ask(_ command: String, _ next: State) {
        output += command + "\r\n"
        state = next
    }
}
