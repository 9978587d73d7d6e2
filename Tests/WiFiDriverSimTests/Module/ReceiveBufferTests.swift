import Testing

@testable import WiFiDriverSim

struct ReceiveBufferTests {
    @Test func `Records are decrypted as far as they are read`() {
        var buffer = ReceiveBuffer()
        for _ in 0..<3 { buffer.append([1, 2, 3], from: nil, isEncrypted: true) }
        #expect((buffer.decryptedCount, buffer.encryptedCount) == (0, 3 * (3 + 29)))
        #expect(buffer.take(4).bytes.count == 4)
        #expect((buffer.decryptedCount, buffer.encryptedCount) == (2, 3 + 29))
        #expect(buffer.take(100).bytes.count == 5)
        #expect((buffer.decryptedCount, buffer.encryptedCount) == (0, 0))
    }

    /// The square of these would take hours.
    @Test func `Many short records and datagrams are read one by one`() {
        let sender = Endpoint(.v4(.loopback), 7)
        var (records, datagrams) = (ReceiveBuffer(), ReceiveBuffer())
        for _ in 0..<200_000 {
            records.append([0], from: nil, isEncrypted: true)
            datagrams.append([0], from: sender, isEncrypted: false)
        }
        for left in (0..<200_000).reversed() {
            guard records.take(1).bytes.count == 1, datagrams.take(1).sender == sender,
                records.encryptedCount == left * 30, datagrams.count == left
            else {
                Issue.record("\(left) left")
                return
            }
        }
    }
}
