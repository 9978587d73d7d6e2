import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

/// A file transfer from a station to a module whose soft-AP disappears and returns. The sender continues at the
/// position that the receiver sends.
struct ResumedTransferTests {
    /// The output of a module, as its host reads it.
    private struct Input {
        private var bytes: [UInt8] = []
        private var position = 0

        enum Item: Equatable {
            case line(String)
            case prompt
            case data([UInt8])
        }

        mutating func append(_ new: [UInt8]) {
            bytes.removeSubrange(..<position)
            position = 0
            bytes += new
        }

        mutating func next() -> Item? {
            let rest = bytes[position...]
            guard let first = rest.first else { return nil }
            if first == UInt8(ascii: ">") {
                position += 1
                return .prompt
            }
            if rest.starts(with: "+IPD,".utf8) {
                guard let colon = rest.prefix(20).firstIndex(of: UInt8(ascii: ":")),
                    let count = rest[..<colon].split(separator: UInt8(ascii: ",")).last
                        .flatMap({ Int(String(decoding: $0, as: UTF8.self)) }), bytes.count - colon > count
                else { return nil }
                position = colon + 1 + count
                return .data(Array(bytes[colon + 1..<position]))
            }
            guard let end = rest.firstIndex(of: 0x0A) else { return nil }
            position = end + 1
            let line = String(decoding: rest[..<(end - 1)], as: UTF8.self)
            return line.isEmpty ? next() : .line(line)
        }
    }

    /// The receiver's host: stores the data, and sends each client the number of bytes that it has.
    private struct Receiver {
        var input = Input()
        var file: [UInt8] = []
        var connections = 0

        mutating func take(_ bytes: [UInt8], _ module: SimulatedModule) {
            input.append(bytes)
            while let item = input.next() {
                switch item {
                case .data(let data): file += data
                case .line("0,CONNECT"):
                    connections += 1
                    module.send("AT+CIPSEND=0,8\r\n")
                case .prompt: module.send(withUnsafeBytes(of: file.count) { Array($0) })
                case .line: break
                }
            }
        }
    }

    /// The sender's host: opens the link, waits for the position, and sends from there until the link closes.
    private struct Sender {
        let file: [UInt8]
        var input = Input()
        var position: Int?

        mutating func take(_ bytes: [UInt8], _ module: SimulatedModule) {
            input.append(bytes)
            while let item = input.next() {
                switch item {
                case .line("WIFI GOT IP"),
                    .line("ERROR") where position == nil:
                    module.send("AT+CIPSTART=\"TCP\",\"192.168.4.1\",333\r\n")
                case .data(let data):
                    position = data.withUnsafeBytes { $0.loadUnaligned(as: Int.self) }
                    announce(module)
                case .prompt:
                    guard let position else { break }
                    module.send(Array(file[position..<min(position + 8192, file.count)]))
                case .line("SEND OK"):
                    position = position.map { min($0 + 8192, file.count) }
                    announce(module)
                case .line("CLOSED"): position = nil
                case .line: break
                }
            }
        }

        private func announce(_ module: SimulatedModule) {
            guard let position, position < file.count else { return }
            module.send("AT+CIPSEND=\(min(8192, file.count - position))\r\n")
        }
    }

    @Test func `16 MiB arrive whole`() {
        let room = Room.softAPAndStation()
        room.ask(0, "AT+CIPMUX=1")
        room.ask(0, "AT+CIPSERVER=1,333")
        let (receiving, sending) = (room.simulation.modules[0], room.simulation.modules[1])
        var random = SeededGenerator(1)
        let words = (0..<(2 << 20)).map { _ in random.next() }
        var receiver = Receiver()
        var sender = Sender(file: words.withUnsafeBytes { Array($0) })
        receiver.file.reserveCapacity(sender.file.count)
        sending.send("AT+CIPSTART=\"TCP\",\"192.168.4.1\",333\r\n")
        var isOffSince: Instant?
        while receiver.file.count < sender.file.count, room.simulation.now < .zero + .seconds(600) {
            room.simulation.runToNextDeadline(notAfter: room.simulation.now + .seconds(1))
            receiver.take(receiving.takeBytes(), receiving)
            sender.take(sending.takeBytes(), sending)
            if isOffSince == nil, receiver.file.count > sender.file.count / 3 {
                isOffSince = room.simulation.now
                receiving.send("AT+CWMODE=1\r\n")
            } else if let since = isOffSince, room.simulation.now > since + .seconds(1),
                !receiving.module.settings.wifiMode.hasSoftAP
            {
                receiving.send("AT+CWMODE=2\r\n")
            }
        }
        #expect(receiver.file == sender.file)
        #expect(receiver.connections == 2)
    }
}
