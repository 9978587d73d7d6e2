import Testing
@testable import WiFiSimDriverCore

private func read(_ queue: ReceiveQueue, _ room: Int) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: room)
    let count = buffer.withUnsafeMutableBytes { queue.read(into: $0).count }
    return Array(buffer.prefix(count))
}

@Suite struct `A receive queue` {
    @Test(arguments: 0..<20)
    func `returns a stream in order, around its end and while it grows`(seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        let queue = ReceiveQueue(isDatagram: false, capacity: 64)
        var put: UInt8 = 0
        var got: UInt8 = 0
        for _ in 0..<400 {
            if Bool.random(using: &random) {
                let room = queue.reserve(Int.random(in: 1...300, using: &random))
                #expect(!room.isEmpty)
                for index in room.indices {
                    room[index] = put
                    put &+= 1
                }
                queue.commit(room.count)
            } else {
                for byte in read(queue, Int.random(in: 1...500, using: &random)) {
                    #expect(byte == got)
                    got &+= 1
                }
            }
        }
        while queue.isReadable { for byte in read(queue, 100) { #expect(byte == got); got &+= 1 } }
        #expect(got == put)
    }

    @Test func `keeps datagrams apart and drops what does not fit the reader`() {
        let queue = ReceiveQueue(isDatagram: true, capacity: 64)
        for datagram in ["first", "second", "x"] {
            queue.beginDatagram(length: datagram.utf8.count, source: nil)
            Array(datagram.utf8).withUnsafeBytes { queue.append($0) }
        }
        #expect(read(queue, 2) == Array("fi".utf8))
        #expect(read(queue, 100) == Array("second".utf8))
        #expect(read(queue, 100) == Array("x".utf8))
        #expect(!queue.isReadable)
    }

    @Test func `shows a datagram only when it is complete, and drops an incomplete one`() {
        let queue = ReceiveQueue(isDatagram: true, capacity: 64)
        queue.beginDatagram(length: 4, source: nil)
        Array("ab".utf8).withUnsafeBytes { queue.append($0) }
        #expect(!queue.isReadable)
        queue.dropUnfinishedDatagram()
        queue.beginDatagram(length: 2, source: nil)
        Array("cd".utf8).withUnsafeBytes { queue.append($0) }
        #expect(read(queue, 9) == Array("cd".utf8))
        #expect(queue.count == 0)
    }

    @Test func `keeps room valid while the reader takes bytes`() {
        let queue = ReceiveQueue(isDatagram: false, capacity: 64)
        Array(repeating: UInt8(1), count: 40).withUnsafeBytes { queue.append($0) }
        let room = queue.reserve(10)
        #expect(read(queue, 40).count == 40)
        room.copyBytes(from: Array(repeating: 2, count: room.count))
        queue.commit(room.count)
        #expect(read(queue, 99) == Array(repeating: 2, count: room.count))
    }
}
