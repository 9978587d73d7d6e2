/// A whole number from `lowest` to `highest`.
///
/// No value outside of the range can be made, wherever it comes from: a command refuses it, and so does a file.
public struct Bounded<let lowest: Int, let highest: Int>: Hashable, Comparable, Sendable {
    public let value: Int

    /// `nil` if the value is outside of the range.
    @inlinable public init?(_ value: Int) {
        guard Self.range.contains(value) else { return nil }
        self.value = value
    }

    @inlinable public static var range: ClosedRange<Int> { lowest...highest }

    @inlinable public static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

extension Bounded: ExpressibleByIntegerLiteral {
    /// For values in source code, which are in the range.
    @inlinable public init(integerLiteral value: Int) {
        precondition(Self.range.contains(value), "\(value) is not \(lowest) to \(highest)")
        self.value = value
    }
}

extension Bounded: CustomStringConvertible {
    public var description: String { "\(value)" }
}

extension Bounded: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let number = try container.decode(Int.self)
        guard let value = Self(number) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "\(number) is not \(lowest) to \(highest)")
        }
        self = value
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }
}
