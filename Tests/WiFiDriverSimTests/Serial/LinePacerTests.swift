import Testing
@testable import WiFiSimValues

struct LinePacerTests {
    @Test(arguments: [9600, 115_200, 921_600, 5_000_000])
    func `A busy line carries its bit rate, however rarely it is polled`(baud: Int) throws {
        var configuration = UARTConfiguration()
        configuration.baud = try #require(UARTConfiguration.Baud(baud))
        for interval in [Duration.microseconds(100), .milliseconds(1), .milliseconds(7)] {
            var pacer = LinePacer(configuration)
            var now = Instant(nanoseconds: 5_000_000_000)
            let start = now
            var sent = 0
            while now < start + .seconds(2) {
                pacer.begin(at: now)
                let allowed = pacer.allowance(at: now)
                pacer.sent(allowed)
                sent += allowed
                now = now + interval
            }
            let expected = 2 * Double(baud) / 10
            #expect(abs(Double(sent) - expected) / expected < 0.005, "\(baud) baud, every \(interval)")
        }
    }

    @Test func `An idle line does not save up bytes`() {
        var pacer = LinePacer(UARTConfiguration())
        pacer.begin(at: Instant(nanoseconds: 1_000_000_000))
        #expect(pacer.allowance(at: Instant(nanoseconds: 1_000_000_000)) == 0)
        // Slightly less than 87 µs for each byte.
        #expect(pacer.allowance(at: Instant(nanoseconds: 1_000_873_000)) == 10)
    }

    @Test func `Data bits, parity and stop bits count`() {
        var configuration = UARTConfiguration()
        configuration.dataBits = 7
        configuration.parity = 2
        configuration.stopBits = 2
        #expect(configuration.bitsPerByte == 1 + 7 + 1 + 1.5)
    }
}
