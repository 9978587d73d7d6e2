import Testing
@testable import WiFiSimValues

struct QueueTests {
    @Test func `Values come out in order, however often the buffer shrinks`() {
        var queue = Queue<Int>()
        var next = 0
        for round in 0..<50 {
            queue.append(contentsOf: round * 1000..<(round + 1) * 1000)
            for _ in 0..<990 {
                #expect(queue.popFirst() == next)
                next += 1
            }
        }
        #expect(queue.count == 500 && queue.first == next)
        #expect(queue.take(100) == Array(next..<next + 100))
        #expect(queue.removeLast { $0 % 100 == 7 } == 49_907)
        queue.removeAll { $0 != 49_999 }
        #expect(queue.take(.max) == [49_999] && queue.isEmpty)
        #expect(queue.popFirst() == nil)
    }
}

struct TimedQueueTests {
    private func time(_ milliseconds: Int64) -> Instant { .zero + .milliseconds(milliseconds) }

    private func rest(_ queue: TimedQueue<String, Int>) -> [Int] {
        var queue = queue
        var elements: [Int] = []
        while let element = queue.popFirst() { elements.append(element) }
        return elements
    }

    @Test func `The earliest comes first, and values due at the same time keep their order`() {
        var queue = TimedQueue<String, Int>()
        for (element, due) in [(1, 30), (2, 10), (3, 20), (4, 10), (5, 30)] as [(Int, Int64)] {
            queue.append(element, in: nil, at: time(due))
        }
        #expect(queue.nextDue == time(10))
        #expect(queue.popFirst(dueBy: time(9)) == nil)
        #expect(queue.popFirst(dueBy: time(10))?.element == 2)
        #expect(rest(queue) == [4, 3, 1, 5])
    }

    @Test func `Within a lane nothing overtakes, even if the delay has become shorter`() {
        var queue = TimedQueue<String, Int>()
        queue.append(1, in: "a", at: time(100))
        queue.append(2, in: "b", at: time(100))
        queue.append(3, in: "a", at: time(10))
        #expect(queue.popFirst(dueBy: time(99)) == nil)
        #expect(rest(queue) == [1, 2, 3])
    }

    @Test func `A late value in one lane does not delay another lane`() {
        var queue = TimedQueue<String, Int>()
        queue.append(1, in: "a", at: time(100))
        queue.append(2, in: "b", at: time(10))
        queue.append(3, in: "b", at: time(5))
        queue.append(4, in: nil, at: time(7))
        #expect(queue.popFirst(dueBy: time(99))?.element == 4)
        #expect(rest(queue) == [2, 3, 1])
    }

    @Test func `A removal takes the last match among the remaining values`() {
        var queue = TimedQueue<String, Int>()
        for number in 0..<200 { queue.append(number, in: nil, at: time(Int64(number))) }
        for number in 0..<150 { #expect(queue.popFirst() == number) }
        #expect(queue.removeLast { $0 < 150 } == nil)
        #expect(queue.removeLast { $0 % 100 == 60 } == 160)
        queue.removeAll { $0 % 2 == 1 }
        #expect(rest(queue) == (150..<200).filter { $0 % 2 == 0 && $0 != 160 })
    }
}
