import Testing

@testable import WiFiDriverSim

struct MulticastDNSTests {
    private let service = MulticastDNS.Service(
        host: "espressif", type: "_iot", port: 8080, instance: "espressif", proto: "_tcp", texts: [])

    private func answer(_ message: [UInt8]) -> [UInt8]? {
        MulticastDNS.answer(to: message, for: service, at: IPv4Address(10, 0, 2, 15), repeatsQuestion: false)
    }

    @Test func `A name may point to an earlier one, and never leads on for ever`() {
        let name = [4] + Array("_iot".utf8) + [4] + Array("_tcp".utf8) + [5] + Array("local".utf8) + [0]
        let header: [UInt8] = [0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0]
        let pointing = header + name + [0, 16, 0, 1] + [0xC0, 12, 0, 12, 0x80, 1]
        let questions = MulticastDNS.questions(in: pointing)
        #expect(questions.map(\.name) == [["_iot", "_tcp", "local"], ["_iot", "_tcp", "local"]])
        #expect(questions.map(\.wantsUnicast) == [false, true])
        #expect(MulticastDNS.questions(in: [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xC0, 12, 0, 12, 0, 1]) == [])
        // A label, and then back to it.
        let loop: [UInt8] = [1, 0x61, 0xC0, 12, 0, 12, 0, 1]
        #expect(MulticastDNS.questions(in: [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0] + loop) == [])
        let answers: [UInt8] = [0, 0, 0x84, 0, 0, 0, 0, 2, 0, 0, 0, 0] + loop + [0, 0, 0, 120, 0, 2, 0xC0, 12]
        #expect(MulticastDNS.records(in: answers) == [])
    }

    @Test func `Any bytes are answered or not, without harm`() {
        var generator = SeededGenerator(5)
        for _ in 0..<2000 {
            let count = Int.random(in: 0...80, using: &generator)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            _ = answer(bytes)
            _ = MulticastDNS.records(in: [0, 0, 0x84, 0, 0, 0, 0, 4, 0, 0, 0, 4] + bytes)
        }
    }

    @Test func `An answer of another is no question`() {
        #expect(answer([0, 0, 0x84, 0, 0, 1, 0, 0, 0, 0, 0, 0] + [9] + Array("espressif".utf8) + [0]) == nil)
    }
}
