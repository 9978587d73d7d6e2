import Testing
@testable import WiFiSimModule

struct HTTPResponseTests {
    private let text = Array("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, and what follows".utf8)

    @Test func `A response is the same, however it is split`() {
        for length in 1...text.count {
            var response = HTTPResponse()
            for start in stride(from: 0, to: text.count, by: length) {
                response.receive(Array(text[start..<min(text.count, start + length)]))
            }
            #expect(response.isSuccess && response.isComplete && !response.isBroken)
            #expect(response.body.starts(with: Array("hello".utf8)))
        }
    }

    @Test func `An endless head is invalid, and only the beginning of a long body is kept`() {
        var endless = HTTPResponse()
        for _ in 0..<9000 { endless.receive([0x61]) }
        #expect(endless.isBroken && !endless.isComplete)
        var long = HTTPResponse()
        long.receive(Array("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n".utf8))
        for _ in 0..<1000 { long.receive([UInt8](repeating: 0x62, count: 1000)) }
        #expect(long.isComplete && long.body.count == 8192)
    }
}
