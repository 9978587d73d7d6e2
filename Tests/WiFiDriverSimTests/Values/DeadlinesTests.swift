import Testing
@testable import WiFiSimValues

struct DeadlinesTests {
    @Test(arguments: [1, 2, 3] as [UInt64])
    func `The earliest is found, whatever was set and changed before`(seed: UInt64) {
        var random = SeededGenerator(seed)
        var deadlines = Deadlines()
        var model: [Int: Instant] = [:]
        var now = Instant.zero
        for _ in 0..<20_000 {
            let number = Int.random(in: 0..<40, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                deadlines.set(number, to: nil)
                model[number] = nil
            case 1:
                now = now + .nanoseconds(Int64.random(in: 0..<50, using: &random))
                var taken: Set<Int> = []
                while let due = deadlines.takeDue(by: now) { #expect(taken.insert(due).inserted) }
                #expect(taken == Set(model.filter { $0.value <= now }.keys))
                for number in taken { model[number] = nil }
            default:
                let deadline = now + .nanoseconds(Int64.random(in: 0..<100, using: &random))
                deadlines.set(number, to: deadline)
                model[number] = deadline
            }
            #expect(deadlines.next() == model.values.min())
        }
    }
}
