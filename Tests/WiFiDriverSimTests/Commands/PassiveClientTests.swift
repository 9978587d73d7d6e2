import Testing
@testable import WiFiSimModule

/// Two clients with passive receive. Neither reads before an `+IPD`, and both wait without limit if it is not repeated
/// for the bytes that they left.
struct PassiveClientTests {
    private static let text: [UInt8] = (0..<4000).map { UInt8(ascii: "a") + UInt8($0 % 26) }

    /// What a client has received: the last announcement that has not been read, and the bytes that it has read.
    private struct Listener {
        var announced = 0
        var data: [UInt8] = []
        let header: String

        init(_ firmware: Firmware) {
            // Without the number of bytes and the end.
            header = String(firmware.receivedDataHeader(count: 0, peer: nil).dropLast(2))
        }

        mutating func hear(_ output: String) {
            var rest = output[...]
            while let line = rest.firstIndex(of: "+").map({ rest[$0...] }) {
                if line.hasPrefix("+IPD,0,") {
                    let number = line.dropFirst(7).prefix { $0.isNumber }
                    announced = Int(number) ?? 0
                    rest = line.dropFirst(7 + number.count)
                } else if line.hasPrefix(header) {
                    let number = line.dropFirst(header.count).prefix { $0.isNumber }
                    let count = Int(number) ?? 0
                    data += line.dropFirst(header.count + number.count + 1).utf8.prefix(count)
                    rest = line.dropFirst(header.count + number.count + 1 + count)
                } else {
                    rest = line.dropFirst()
                }
            }
        }
    }

    private func passiveHost(_ firmware: Firmware) -> Conversation {
        let host = Conversation.joined(firmware, multiplexed: true)
        #expect(host.ask("AT+CIPRECVMODE=1") == ok)
        return host
    }

    /// Zephyr, drivers/wifi/esp_at: one CIPRECVDATA of at most 2048 bytes for each `+IPD`.
    @Test(arguments: Firmware.all)
    func `Zephyr's driver reads in portions, one for each announcement`(firmware: Firmware) throws {
        let host = passiveHost(firmware)
        let socket = try #require(host.openPeerLink(0))
        var listener = Listener(firmware)
        for start in stride(from: 0, to: Self.text.count, by: 500) {
            host.peerSends(Array(Self.text[start..<start + 500]), on: socket)
            if start == 0 { listener.hear(host.listen()) }
        }
        #expect(listener.announced == 500)
        host.listen()
        var reads = 0
        while listener.announced > 0, reads < 100 {
            let length = min(listener.announced, 2048)
            listener.announced = 0
            reads += 1
            listener.hear(host.ask("AT+CIPRECVDATA=0,\(length)"))
        }
        #expect(listener.data == Self.text)
        // It learns of the next data.
        host.peerSends("next", on: socket)
        listener.hear(host.listen())
        #expect(listener.announced == 4)
    }

    /// mbed-os, ESP8266.cpp, _recv_tcp_passive: counts down the announced bytes, and at 0 waits for the next `+IPD`.
    @Test(arguments: Firmware.all, [64, 1000, 2048])
    func `mbed's driver has its 4,000 bytes echoed`(firmware: Firmware, buffer: Int) throws {
        let host = passiveHost(firmware)
        #expect(host.ask("AT+CIPSTART=0,\"TCP\",\"10.0.2.2\",7") == "0,CONNECT\r\n" + ok)
        var listener = Listener(firmware)
        for block in [Self.text[..<2048], Self.text[2048...]] {
            #expect(host.ask("AT+CIPSEND=0,\(block.count)") == ok + firmware.prompt)
            host.send(Array(block))
            let output = host.listen()
            #expect(output.contains("SEND OK\r\n"))
            listener.hear(output)
        }
        var reads = 0
        while listener.announced > 0, reads < 1000 {
            let before = (announced: listener.announced, count: listener.data.count)
            reads += 1
            listener.announced = 0
            listener.hear(host.ask("AT+CIPRECVDATA=0,\(buffer)"))
            // Without a new announcement, the previous one applies.
            if listener.announced == 0 {
                listener.announced = max(0, before.announced - (listener.data.count - before.count))
            }
        }
        #expect(listener.data == Self.text)
        #expect(host.ask("AT+CIPRECVDATA=0,1") == refused)
    }
}
