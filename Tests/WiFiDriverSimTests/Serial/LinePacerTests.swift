import Testing
@testable import WiFiSimValues

struct LinePacerTests {
    private let start = Instant(nanoseconds: 5_000_000_000)

    @Test(arguments: [9600, 115_200, 921_600, 5_000_000])
    func `A busy line carries its bit rate, however rarely it is looked at`(baud: Int) {
        for interval in [Duration.microseconds(100), .milliseconds(1), .milliseconds(7), .milliseconds(40)] {
            var pacer = LinePacer(UARTFrame(bitRate: baud))
            var now = start
            var sent = 0
            pacer.begin(at: now)
            while now < start + .seconds(2) {
                now = now + interval
                pacer.begin(at: now)
                let allowed = pacer.allowance(at: now)
                pacer.sent(allowed)
                sent += allowed
            }
            let expected = Double((now - start).nanoseconds) * Double(baud) / 10_000_000_000
            #expect(abs(Double(sent) - expected) / expected < 0.005, "\(baud) baud, every \(interval)")
        }
    }

    @Test(arguments: [300, 9600, 115_200, 921_600, 5_000_000])
    func `A stream passes in bursts at its bit rate`(baud: Int) {
        var pacer = LinePacer(UARTFrame(bitRate: baud))
        var now = start
        var sent = 0
        let pending = 20_000
        pacer.begin(at: now)
        var bursts: [Int] = []
        while sent < pending {
            now = pacer.nextLook(pending: pending - sent)
            pacer.begin(at: now)
            let allowed = min(pending - sent, pacer.allowance(at: now))
            pacer.sent(allowed)
            sent += allowed
            bursts.append(allowed)
        }
        let expected = Double(pending * 10) / Double(baud)
        let actual = Double((now - start).nanoseconds) / 1_000_000_000
        #expect(abs(actual - expected) / expected < 0.005)
        #expect((105...120).contains(bursts[0]) && bursts.dropFirst().dropLast().allSatisfy { $0 == 120 })
    }

    @Test func `The end of a short answer is looked at when it has passed`() {
        var pacer = LinePacer(UARTFrame(bitRate: 9600))
        pacer.begin(at: start)
        let end = pacer.nextLook(pending: 6)
        #expect(pacer.allowance(at: end) == 6)
        #expect(abs((end - start).nanoseconds - 6_250_000) < 100)
        // While an echo follows, a look comes earlier, but not before the next byte.
        #expect(pacer.nextLook(pending: 6, within: .milliseconds(3), of: start) == start + .milliseconds(3))
        let first = pacer.nextLook(pending: 6, within: .milliseconds(1), of: start)
        #expect(pacer.allowance(at: first) == 1)
    }

    @Test func `Lines of one rate are looked at together`() {
        var looks: Set<Instant> = []
        for number in 0..<1000 {
            var pacer = LinePacer(UARTFrame(bitRate: 115_200))
            pacer.begin(at: start + .microseconds(10 * number))
            looks.insert(pacer.nextLook(pending: 1000))
        }
        #expect(looks.count <= 9)
    }

    @Test func `An idle line does not save up bytes`() {
        var pacer = LinePacer(UARTFrame(bitRate: 115_200))
        pacer.begin(at: start)
        #expect(pacer.allowance(at: start) == 0)
        // Slightly less than 87 µs for each byte.
        #expect(pacer.allowance(at: start + .microseconds(873)) == 10)
        pacer.sent(10)
        pacer.rest()
        pacer.begin(at: start + .milliseconds(2))
        #expect(pacer.allowance(at: start + .milliseconds(2)) == 0)
        // Nor does a busy one that was not looked at for long, as while the computer was suspended.
        pacer.begin(at: start + .seconds(5))
        #expect(pacer.allowance(at: start + .seconds(5)) == 0)
    }

    @Test func `Data bits, parity and stop bits count`() {
        var configuration = UARTConfiguration()
        configuration.dataBits = 7
        configuration.parity = 2
        configuration.stopBits = 2
        #expect(configuration.bitsPerByte == 1 + 7 + 1 + 1.5)
    }
}
