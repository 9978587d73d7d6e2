import WiFiSimValues

/// The messages of SNTP (RFC 4330, section 4), as far as a client with one question needs them. Times count from 1970,
/// UTC.
package enum SNTPMessage {
    package static let port: UInt16 = 123
    private static let length = 48
    private static let secondsFrom1900To1970: Int64 = 2_208_988_800
    /// The position of the server's transmit time.
    private static let transmitTime = 40..<48
    private static let originateTime = 24..<32

    /// A client's question, version 4, without a time of its own, as lwIP sends it.
    static let question: [UInt8] = [0x23] + [UInt8](repeating: 0, count: length - 1)

    /// A server's answer. `nil` if the message is not a question.
    package static func answer(to question: [UInt8], at time: Duration) -> [UInt8]? {
        guard question.count >= length, question[0] & 7 == 3 else { return nil }
        var answer = [UInt8](repeating: 0, count: length)
        // The client's version, and the mode of a server.
        answer[0] = question[0] & 0x38 | 4
        // Stratum 1: a primary reference.
        answer[1] = 1
        answer.replaceSubrange(originateTime, with: question[transmitTime])
        let stamp = timestamp(time)
        // Reference, receive and transmit time.
        for start in [16, 32, 40] { answer.replaceSubrange(start..<start + 8, with: stamp) }
        return answer
    }

    /// The time in a server's answer. `nil` if the message is not an answer, or the server has no time.
    static func time(in answer: [UInt8]) -> Duration? {
        guard answer.count >= length, answer[0] & 7 == 4, answer[1] != 0 else { return nil }
        let stamp = answer[transmitTime].reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        guard stamp != 0 else { return nil }
        // A time without its highest bit belongs to the era that begins in 2036.
        let era: Int64 = stamp >> 63 == 1 ? 0 : 1 << 32
        let seconds = Int64(stamp >> 32) + era - secondsFrom1900To1970
        return .seconds(seconds) + .nanoseconds(Int64(((stamp & 0xFFFF_FFFF) * 1_000_000_000) >> 32))
    }

    private static func timestamp(_ time: Duration) -> [UInt8] {
        let nanoseconds = time.nanoseconds
        let seconds = UInt64(truncatingIfNeeded: nanoseconds / 1_000_000_000 + secondsFrom1900To1970) & 0xFFFF_FFFF
        let fraction = UInt64(nanoseconds % 1_000_000_000) << 32 / 1_000_000_000
        return withUnsafeBytes(of: (seconds << 32 | fraction).bigEndian) { Array($0) }
    }
}
