import Testing

@testable import WiFiDriverSim

struct TimedQueueTests {
    private func time(_ milliseconds: Int64) -> Instant { .zero + .milliseconds(milliseconds) }

    @Test func `Nothing overtakes, even where the way has become shorter`() {
        var queue = TimedQueue<Int>()
        queue.append(1, at: time(100))
        queue.append(2, at: time(10))
        #expect(queue.nextDue == time(100))
        #expect(queue.popFirst(dueBy: time(99)) == nil)
        #expect(queue.popFirst(dueBy: time(100)) == 1)
        #expect(queue.popFirst(dueBy: time(100)) == 2)
        #expect(queue.isEmpty && queue.nextDue == nil)
    }

    @Test func `What is taken back is the last that matches, of what is still there`() {
        var queue = TimedQueue<Int>()
        for number in 0..<200 { queue.append(number, at: time(Int64(number))) }
        for number in 0..<150 { #expect(queue.popFirst() == number) }
        #expect(queue.removeLast { $0 < 150 } == nil)
        #expect(queue.removeLast { $0 % 100 == 60 } == 160)
        queue.removeAll { $0 % 2 == 1 }
        var rest: [Int] = []
        while let number = queue.popFirst() { rest.append(number) }
        #expect(rest == (150..<200).filter { $0 % 2 == 0 && $0 != 160 })
    }
}
