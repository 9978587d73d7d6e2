import Testing
@testable import WiFiSimValues

struct UARTReceiverTests {
    private func bytes(_ range: Range<Int>) -> [UInt8] { range.map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) } }

    @Test func `Bytes come out in order`() {
        var uart = UARTReceiver(.esp32)
        #expect(uart.receive(bytes(0..<500)) == 0)
        #expect(uart.count == 500)
        #expect(uart.take(120) == bytes(0..<120))
        #expect(uart.withUnsafeBytes { Array($0) } == bytes(120..<500))
        uart.removeFirst(100)
        #expect(uart.take(.max) == bytes(220..<500) && uart.isEmpty)
        #expect(uart.take(1).isEmpty)
    }

    @Test func `Without a reader, ring, stash and FIFO fill, and an overrun costs the whole FIFO`() {
        var uart = UARTReceiver(.esp32)
        // 20 times the FIFO at its threshold; the next does not fit into the ring's 48 bytes and is kept aside.
        let stored = 2000 + 100 + 128
        #expect(uart.receive(bytes(0..<stored)) == 0)
        #expect((uart.count, uart.lostBytes, uart.overruns) == (stored, 0, 0))
        #expect(uart.receive(bytes(stored..<stored + 1)) == 129)
        #expect((uart.count, uart.lostBytes, uart.overruns) == (2100, 129, 1))
        // The FIFO fills again with what comes next.
        #expect(uart.receive(bytes(stored + 1..<stored + 11)) == 0)
        #expect(uart.take(.max) == bytes(0..<2100) + bytes(stored + 1..<stored + 11))
        #expect(uart.receive(bytes(0..<100)) == 0 && uart.take(.max) == bytes(0..<100))
    }

    @Test func `The ESP8266 has a smaller ring`() {
        var uart = UARTReceiver(.esp8266)
        #expect(uart.receive(bytes(0..<1000 + 100 + 128)) == 0)
        #expect(uart.receive([0]) == 129)
        #expect(UARTBuffers.esp8266.transmitRing == 2048 && UARTBuffers.esp32.transmitRing == 8192)
    }

    @Test func `RTS asks the host to wait at 122 bytes in the FIFO, until the FIFO is emptied`() {
        var uart = UARTReceiver(.esp32)
        uart.receive(bytes(0..<2100 + 121))
        #expect(uart.rtsIsAsserted && uart.room == 1)
        uart.receive([0])
        #expect(!uart.rtsIsAsserted && uart.room == 0)
        // The six bytes that a slow host may still send have room.
        #expect(uart.receive(bytes(0..<6)) == 0)
        // The ring takes what was kept aside only when all of it fits.
        _ = uart.take(51)
        #expect(!uart.rtsIsAsserted)
        _ = uart.take(1)
        #expect(uart.rtsIsAsserted)
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func `How the bytes are cut makes no difference`(seed: UInt64) {
        var random = SeededGenerator(seed)
        var whole = UARTReceiver(.esp8266)
        var single = whole
        var pieces = whole
        var next = 0
        var taken = 0
        for _ in 0..<60 {
            let end = next + Int.random(in: 0..<600, using: &random)
            let room = whole.room
            #expect(whole.rtsIsAsserted == (room > 0))
            let lost = whole.receive(bytes(next..<end))
            if end - next <= room { #expect(lost == 0 && whole.rtsIsAsserted == (end - next < room)) }
            for index in next..<end { single.receive(bytes(index..<index + 1)) }
            while next < end {
                let cut = Int.random(in: next...end, using: &random)
                pieces.receive(bytes(next..<cut))
                next = cut
            }
            let limit = Int.random(in: 0..<800, using: &random)
            let some = whole.take(limit)
            taken += some.count
            #expect(single.take(limit) == some && pieces.take(limit) == some)
            #expect(whole.lostBytes == single.lostBytes && whole.overruns == single.overruns)
            #expect(whole.lostBytes == pieces.lostBytes && whole.rtsIsAsserted == pieces.rtsIsAsserted)
            #expect(taken + whole.lostBytes + whole.count == end)
        }
    }

    @Test func `A restart empties it and keeps its counts`() {
        var uart = UARTReceiver(.esp8266)
        uart.receive(bytes(0..<3000))
        let lost = uart.lostBytes
        uart.removeAll()
        #expect(uart.isEmpty && uart.rtsIsAsserted && lost > 0 && uart.lostBytes == lost)
        #expect(uart.receive(bytes(0..<1228)) == 0 && uart.take(.max) == bytes(0..<1228))
    }
}
