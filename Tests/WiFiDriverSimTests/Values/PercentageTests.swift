import Testing
@testable import WiFiSimValues

struct PercentageTests {
    @Test(arguments: [
        (0, "0%"), (0.0001, "0.0001%"), (0.1, "0.1%"), (12.5, "12.5%"), (99.9999, "99.9999%"), (100, "100%"),
    ])
    func `Text`(percent: Double, text: String) throws {
        #expect(try #require(Percentage(percent)).description == text)
    }

    @Test(arguments: [-0.1, 100.1, .nan, .infinity])
    func `What is not 0 to 100 is not made`(percent: Double) {
        #expect(Percentage(percent) == nil)
    }

    @Test func `Something happens as often as it says`() {
        var random = SeededGenerator(1)
        let rare: Percentage = 0.1
        #expect(50...150 ~= (0..<100_000).count { _ in rare.happens(&random) })
        let (never, always): (Percentage, Percentage) = (0, 100)
        #expect((0..<1000).allSatisfy { _ in always.happens(&random) && !never.happens(&random) })
    }
}
