import Testing
@testable import WiFiSimModule
@testable import WiFiSimTranscripts
@testable import WiFiSimValues

struct TranscriptRecorderTests {
    private func recorder() -> TranscriptRecorder {
        TranscriptRecorder(header: Transcript.Header(), payloadFolder: "a.d", at: .zero)
    }

    private func at(_ milliseconds: Int) -> Instant { .zero + .milliseconds(milliseconds) }

    @Test func `Bytes become lines, and pauses become waits`() throws {
        var recorder = recorder()
        recorder.record(Array("AT\r\n".utf8), fromHost: true, at: at(10))
        recorder.record(Array("AT\r\n".utf8), fromHost: false, at: at(10))
        recorder.record(Array("\r\nOK\r\n".utf8), fromHost: false, at: at(30))
        #expect(
            recorder.take(at: at(30)).text == """
                transcript 1
                profile esp32c3-4.1

                wait 10ms
                > AT\\r\\n
                < AT\\r\\n
                wait 20ms
                < \\r\\nOK\\r\\n

                """)
    }

    @Test func `The written part can be read at any time`() throws {
        var recorder = recorder()
        var text = ""
        let bytes = Array("AT+CIPSEND=4\r\n\r\nOK\r\n\r\n> \r\n+IPD,0,6:\r\nab\r\n<{\\\r\n".utf8)
        for (index, byte) in bytes.enumerated() {
            recorder.record([byte], fromHost: index < 14, at: at(index))
            text += recorder.take(at: at(index)).text
            let soFar = try Transcript(parsing: text)
            #expect(soFar.description == text)
        }
        text += recorder.finish(at: at(100)).text
        let all = try Transcript(parsing: text)
        #expect(all.events.flatMap(\.event.payloads).flatMap { $0.literal ?? [] } == bytes)
    }

    @Test func `Long data go to a file that exists before the line`() throws {
        var recorder = recorder()
        let data = [UInt8](repeating: 0x41, count: 1000)
        recorder.record(data, fromHost: true, at: at(0))
        recorder.record(Array("\r\nRecv 1000 bytes\r\n".utf8), fromHost: false, at: at(0))
        let output = recorder.take(at: at(0))
        #expect(output.files.map(\.path) == ["a.d/1.bin"])
        #expect(output.files.map(\.bytes) == [data])
        #expect(output.text.contains("> {1000 sha256:\(SHA256.hexDigest(of: data)) a.d/1.bin}\n< \\r\\nRecv 1000"))
    }

    @Test func `The result of a connection comes before the lines that it explains`() throws {
        var recorder = recorder()
        var network = NetworkRecorder()
        let socket = SocketID(.module, 1)
        let peer = Endpoint(.v4(IPv4Address(10, 0, 2, 2)), 80)
        recorder.record(Array("AT+CIPSTART=…\r\n".utf8), fromHost: true, at: at(0))
        network.record(.connect(socket, to: peer, TCPOptions()), in: &recorder, at: at(0))
        recorder.record(Array("CONNECT\r\n".utf8), fromHost: false, at: at(0))
        #expect(!recorder.take(at: at(0)).text.contains("CONNECT"))
        network.record(.connected(socket, local: Endpoint(.v4(.any), 4711)), in: &recorder, at: at(0))
        recorder.record(Array("+CIPSTATE:0,\"TCP\",\"10.0.2.2\",80,4711,0\r\n".utf8), fromHost: false, at: at(0))
        #expect(
            recorder.take(at: at(0)).text == """
                peer peer1 listens tcp 10.0.2.2:80
                < CONNECT\\r\\n
                < +CIPSTATE:0,"TCP","10.0.2.2",80,<port:local1>,0\\r\\n

                """)
    }

    @Test func `A module's start changes the header of what was taken, as long as that is short`() throws {
        for (length, changes) in [(1000, true), (100_000, false)] {
            var recorder = recorder()
            for _ in 0..<length / 100 {
                let line = String(repeating: "x", count: 98) + "\r\n"
                recorder.record(Array(line.utf8), fromHost: false, at: .zero)
                #expect(!recorder.take(at: .zero).replacesAll)
            }
            recorder.record(Array("\r\nready\r\n".utf8), fromHost: false, at: .zero)
            let output = recorder.finish(at: .zero)
            #expect(output.replacesAll == changes)
            #expect(output.text.contains("start power") == changes)
        }
    }
}
