/// How often something happens, from 0% to 100% in steps of 0.0001%.
///
/// A value outside the range cannot be made.
public struct Percentage: Hashable, Comparable, Sendable {
    /// The percentage in parts of a million: 0.1% is 1000.
    public let partsPerMillion: Bounded<0, 1_000_000>

    /// Makes a percentage from parts of a million.
    public init(partsPerMillion: Bounded<0, 1_000_000>) { self.partsPerMillion = partsPerMillion }

    /// Makes a percentage, rounded to its steps; `nil` if `percent` is not 0 to 100.
    public init?(_ percent: Double) {
        guard 0...100 ~= percent, let parts = Bounded<0, 1_000_000>(Int((percent * 10_000).rounded())) else {
            return nil
        }
        partsPerMillion = parts
    }

    /// Compares how often.
    public static func < (left: Self, right: Self) -> Bool { left.partsPerMillion < right.partsPerMillion }

    /// Decides whether it happens this time.
    package func happens(_ random: inout some RandomNumberGenerator) -> Bool {
        Int.random(in: 0..<1_000_000, using: &random) < partsPerMillion.value
    }
}

extension Percentage: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral {
    /// Makes a percentage from a literal in source code. Traps if the literal is not 0 to 100.
    public init(integerLiteral percent: Int) { self.init(floatLiteral: Double(percent)) }

    /// Makes a percentage from a literal in source code. Traps if the literal is not 0 to 100.
    public init(floatLiteral percent: Double) {
        guard let percentage = Self(percent) else { preconditionFailure("\(percent) is not 0 to 100") }
        self = percentage
    }
}

extension Percentage: CustomStringConvertible {
    /// The percentage as text, for example `0.1%`.
    public var description: String {
        let (whole, fraction) = partsPerMillion.value.quotientAndRemainder(dividingBy: 10_000)
        guard fraction > 0 else { return "\(whole)%" }
        var digits = String(String(10_000 + fraction).dropFirst())
        while digits.hasSuffix("0") { digits.removeLast() }
        return "\(whole).\(digits)%"
    }
}
