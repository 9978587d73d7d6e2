import Testing
@testable import WiFiSimModule
@testable import WiFiSimTranscripts
@testable import WiFiSimValues

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

    /// In quadratic time this would take hours.
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

    /// 250 records of one byte are 7500 bytes, of which the TCP window holds 5760.
    @Test func `CIPRECVLEN counts no more encrypted data than the window holds`() throws {
        let text = """
            transcript 1

            > ATE0\\r\\n
            < ATE0\\r\\n\\r\\nOK\\r\\n
            > AT+CWMODE=1\\r\\n
            < \\r\\nOK\\r\\n
            > AT+CWJAP="wifisim","password"\\r\\n
            < WIFI CONNECTED\\r\\nWIFI GOT IP\\r\\n\\r\\nOK\\r\\n
            > AT+CIPRECVTYPE=1\\r\\n
            < \\r\\nOK\\r\\n
            peer s listens ssl 10.0.2.99:443
            > AT+CIPSTART="SSL","10.0.2.99",443\\r\\n
            < CONNECT\\r\\n\\r\\nOK\\r\\n
            \(String(repeating: "peer s sends x\nwait 1ms\n", count: 250))
            < \\r\\n+IPD,30\\r\\n
            > AT+CIPRECVLEN?\\r\\n
            < +CIPRECVLEN:5760\\r\\n\\r\\nOK\\r\\n
            """
        let script = Transcript.Script(try Transcript(parsing: text))
        #expect(TranscriptPlayer(script).play().divergence == nil)
    }
}
