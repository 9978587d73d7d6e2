import Testing
@testable import WiFiSimModule

struct MessageFilterTests {
    private func rest(of message: String, head: String = "", tail: String = "") throws -> String {
        var filters = MessageFilters()
        _ = filters.add(try #require(MessageFilter(head: Array(head.utf8), tail: Array(tail.utf8))))
        return String(decoding: filters.apply(to: Array(message.utf8)), as: UTF8.self)
    }

    @Test func `The matches of head and tail are removed, if both match`() throws {
        #expect(try rest(of: "+A:12,data\r\n", head: "^+A:[0-9]*,", tail: "\r\n$") == "data")
        #expect(try rest(of: "+A:12,data", head: "^+A:[0-9]*,", tail: "\r\n$") == "+A:12,data")
        #expect(try rest(of: "+A:,\r\n", head: "^+A:[0-9]*,", tail: "\r\n$") == "")
        #expect(try rest(of: "say +A:1,", head: "^+A:[0-9]*,") == "say +A:1,")
    }

    @Test func `NUL and bytes that are not text pass`() throws {
        var filters = MessageFilters()
        _ = filters.add(try #require(MessageFilter(head: Array("^+D,".utf8), tail: Array("\r\n$".utf8))))
        let data: [UInt8] = [0, 0xFF, 0xC3, 0x0D, 0x0A, 0x80, 0]
        #expect(filters.apply(to: Array("+D,".utf8) + data + [0x0D, 0x0A]) == data)
    }

    @Test func `The first filter that matches is the only one`() throws {
        var filters = MessageFilters()
        _ = filters.add(try #require(MessageFilter(head: Array("^ab".utf8), tail: [])))
        _ = filters.add(try #require(MessageFilter(head: Array("^a".utf8), tail: [])))
        #expect(String(decoding: filters.apply(to: Array("abc".utf8)), as: UTF8.self) == "c")
        #expect(String(decoding: filters.apply(to: Array("acc".utf8)), as: UTF8.self) == "cc")
        let removals = [
            filters.remove(head: Array("^b".utf8), tail: []), filters.remove(head: Array("^ab".utf8), tail: []),
        ]
        #expect(removals == [false, true])
        #expect(String(decoding: filters.apply(to: Array("abc".utf8)), as: UTF8.self) == "bc")
    }

    @Test func `A filter too many is refused`() throws {
        var filters = MessageFilters()
        let filter = try #require(MessageFilter(head: Array("^a".utf8), tail: []))
        let added = (0...MessageFilters.limit).map { _ in filters.add(filter) }
        #expect(added.dropLast().allSatisfy { $0 } && added.last == false)
    }

    @Test func `All filters together take a bounded number of steps for one message`() throws {
        let slow = try #require(MessageFilter(head: Array(".\\{0,255\\}x".utf8), tail: []))
        let quick = try #require(MessageFilter(head: Array("^a".utf8), tail: []))
        let message = [UInt8](repeating: UInt8(ascii: "a"), count: 1460)
        var filters = MessageFilters()
        _ = filters.add(slow)
        _ = filters.add(quick)
        #expect(filters.apply(to: Array(message.prefix(100))).count == 99)
        for _ in 2..<MessageFilters.limit { _ = filters.add(slow) }
        var steps = MessageFilters.stepBudget
        for filter in filters.all { _ = filter.rest(of: message, steps: &steps) }
        #expect(steps == 0)
        let elapsed = ContinuousClock().measure { #expect(filters.apply(to: message) == message) }
        #expect(elapsed < .seconds(2))
    }
}
