/// A bit rate as RFC 2217 carries it, in bits per second: any 32-bit number but 0, which asks for the rate in force.
///
/// Not a `Bounded`, because the optimizer of Swift 6.3 crashes on a bound of more than 31 bits.
package struct BitRate: Hashable, Sendable {
    package let value: UInt32

    /// Makes a bit rate; `nil` if `value` is 0.
    package init?(_ value: UInt32) {
        guard value > 0 else { return nil }
        self.value = value
    }
}

extension BitRate: ExpressibleByIntegerLiteral {
    /// Makes a bit rate from a literal in source code. Traps if the literal is 0.
    package init(integerLiteral value: UInt32) {
        precondition(value > 0, "0 is not a bit rate")
        self.value = value
    }
}

extension BitRate: CustomStringConvertible {
    package var description: String { "\(value)" }
}
