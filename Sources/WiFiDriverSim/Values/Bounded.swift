/// An integer from `lowest` to `highest`.
///
/// A value outside the range cannot be made. Commands and files that contain one are refused.
public struct Bounded<let lowest: Int, let highest: Int>: Hashable, Comparable, Sendable {
    /// The integer.
    public let value: Int

    /// Makes a value; `nil` if `value` is outside the range.
    @inlinable public init?(_ value: Int) {
        guard Self.range.contains(value) else { return nil }
        self.value = value
    }

    /// The allowed values.
    @inlinable public static var range: ClosedRange<Int> { lowest...highest }

    /// Compares the integers.
    @inlinable public static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

extension Bounded: ExpressibleByIntegerLiteral {
    /// Makes a value from a literal in source code. Traps if the literal is outside the range.
    @inlinable public init(integerLiteral value: Int) {
        precondition(Self.range.contains(value), "\(value) is not \(lowest) to \(highest)")
        self.value = value
    }
}

extension Bounded: CustomStringConvertible {
    /// The integer in decimal.
    public var description: String { "\(value)" }
}

extension Bounded: Codable {
    /// Decodes an integer.
    /// - Throws: `DecodingError` if the value is not an integer in the range.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let number = try container.decode(Int.self)
        guard let value = Self(number) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "\(number) is not \(lowest) to \(highest)")
        }
        self = value
    }

    /// Encodes the integer.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }
}
