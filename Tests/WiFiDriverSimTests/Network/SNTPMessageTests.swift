import Testing
@testable import WiFiSimModule
@testable import WiFiSimValues

struct SNTPMessageTests {
    @Test(arguments: [0, 1_767_225_600, 2_085_978_495, 2_085_978_496, 4_102_444_800])
    func `An answer contains the time, also after 2036`(seconds: Int) throws {
        let time = Duration.seconds(seconds) + .milliseconds(500)
        let answer = try #require(SNTPMessage.answer(to: SNTPMessage.question, at: time))
        #expect(answer.count == 48)
        #expect(SNTPMessage.time(in: answer) == time)
    }

    @Test func `An answer repeats the client's time`() throws {
        var question = SNTPMessage.question
        question.replaceSubrange(40..<48, with: [1, 2, 3, 4, 5, 6, 7, 8])
        let answer = try #require(SNTPMessage.answer(to: question, at: .seconds(1)))
        #expect(Array(answer[24..<32]) == [1, 2, 3, 4, 5, 6, 7, 8])
    }

    @Test func `A message that is not an answer has no time`() {
        #expect(SNTPMessage.time(in: SNTPMessage.question) == nil)
        #expect(SNTPMessage.time(in: []) == nil)
        // A server that is not synchronized.
        #expect(SNTPMessage.time(in: [0x24, 0] + [UInt8](repeating: 1, count: 46)) == nil)
        #expect(SNTPMessage.answer(to: [0x23], at: .zero) == nil)
        #expect(SNTPMessage.answer(to: [0x24] + [UInt8](repeating: 0, count: 47), at: .zero) == nil)
    }

    @Test func `Any answer has a time between 1968 and 2106, or none`() {
        var generator = SeededGenerator(6)
        for round in 0..<2000 {
            var answer = (0..<48).map { _ in UInt8.random(in: 0...255, using: &generator) }
            if round < 2 { answer.replaceSubrange(40..<48, with: [UInt8](repeating: round == 0 ? 0xFF : 0, count: 8)) }
            answer[0] = 0x24
            answer[1] = 1
            guard let time = SNTPMessage.time(in: answer) else { continue }
            let year = CalendarTime(unixTime: Int(time.nanoseconds / 1_000_000_000)).description.prefix(4)
            #expect("1968"..."2106" ~= String(year))
        }
    }
}
