import Testing
@testable import WiFiSimModule
@testable import WiFiSimValues

struct MulticastDNSTests {
    private let service = MulticastDNS.Service(
        host: "espressif", type: "_iot", port: 8080, instance: "espressif", proto: "_tcp", texts: [])

    private func answer(_ message: [UInt8]) -> [UInt8]? {
        MulticastDNS.answer(to: message, for: service, at: IPv4Address(10, 0, 2, 15), repeatsQuestion: false)?.message
    }

    @Test func `A name may point to an earlier one, but not in a loop`() {
        let name = [4] + Array("_iot".utf8) + [4] + Array("_tcp".utf8) + [5] + Array("local".utf8) + [0]
        let header: [UInt8] = [0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0]
        let pointing = header + name + [0, 16, 0, 1] + [0xC0, 12, 0, 12, 0x80, 1]
        let questions = MulticastDNS.query(in: pointing)?.questions ?? []
        #expect(questions.map(\.name.labels) == [["_iot", "_tcp", "local"], ["_iot", "_tcp", "local"]])
        #expect(questions.map(\.wantsUnicast) == [false, true])
        #expect(MulticastDNS.query(in: [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xC0, 12, 0, 12, 0, 1]) == nil)
        // A label, and then a pointer back to it.
        let loop: [UInt8] = [1, 0x61, 0xC0, 12, 0, 12, 0, 1]
        #expect(MulticastDNS.query(in: [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0] + loop) == nil)
        let answers: [UInt8] = [0, 0, 0x84, 0, 0, 0, 0, 2, 0, 0, 0, 0] + loop + [0, 0, 0, 120, 0, 2, 0xC0, 12]
        #expect(MulticastDNS.records(in: answers) == [])
    }

    /// Names that each point to the one before. Their total length grows with the square of their number.
    private func chain(of labels: [UInt8], separatedBy between: [UInt8]) -> (bytes: [UInt8], count: UInt16) {
        var bytes: [UInt8] = []
        var previous: Int?
        var count: UInt16 = 0
        while bytes.count < 8900 {
            let start = bytes.count + 12
            bytes += labels + (previous.map { UInt16(0xC000 | $0).networkBytes } ?? [0]) + between
            previous = start
            count += 1
        }
        return (bytes, count)
    }

    @Test(arguments: [[], [1, 0x61]] as [[UInt8]])
    func `A message costs no more than its size: the numbers of questions and bytes of a name are limited`(
        label: [UInt8]
    ) {
        let (questions, count) = chain(of: label, separatedBy: [0, 12, 0, 1])
        #expect(MulticastDNS.query(in: [0, 1, 0, 0] + count.networkBytes + [0, 0, 0, 0, 0, 0] + questions) == nil)
        #expect(answer([0, 1, 0, 0] + count.networkBytes + [0, 0, 0, 0, 0, 0] + questions) == nil)
        // The answers to a search: none after so many questions, and none with a name that is too long.
        #expect(
            MulticastDNS.records(in: [0, 0, 0x84, 0] + count.networkBytes + [0, 1, 0, 0, 0, 0] + questions) == [])
        let (records, number) = chain(of: label, separatedBy: [0, 1, 0, 1, 0, 0, 0, 120, 0, 4, 10, 0, 2, 77])
        let found = MulticastDNS.records(in: [0, 0, 0x84, 0, 0, 0] + number.networkBytes + [0, 0, 0, 0] + records)
        #expect(found.count <= 128)
        #expect(found.allSatisfy { $0.name.bytes.count <= 255 })
    }

    @Test func `A message above the maximum length is ignored`() {
        let name = DomainName(["_iot", "_tcp", "local"]).bytes
        let query = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0] + name + [0, 12, 0, 1]
        let filling = [UInt8](repeating: 0, count: MulticastDNS.longestMessage - query.count)
        #expect(answer(query + filling) != nil)
        #expect(answer(query + filling + [0]) == nil)
    }

    @Test func `The same question, asked often, is answered once`() {
        let question = DomainName(["_iot", "_tcp", "local"]).bytes + [0, 12, 0, 1]
        let header: [UInt8] = [0, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0]
        let answer = answer(header + (0..<64).flatMap { _ in question }) ?? []
        // One answer, three additions.
        #expect(answer.count < 400)
        #expect(answer.prefix(12).suffix(6) == [0, 1, 0, 0, 0, 3])
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

    @Test func `An answer of another host is not a question`() {
        #expect(answer([0, 0, 0x84, 0, 0, 1, 0, 0, 0, 0, 0, 0] + [9] + Array("espressif".utf8) + [0]) == nil)
    }
}
