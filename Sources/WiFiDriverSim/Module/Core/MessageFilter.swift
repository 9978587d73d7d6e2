import WiFiSimValues

/// SYSMSGFILTER and SYSMSGFILTERCFG: what is removed from the module's messages (ESP-AT docs, Basic, SYSMSGFILTERCFG).
struct MessageFilters {
    var isOn = false
    private(set) var all: [MessageFilter] = []

    /// The most filters. Each message is compared with all of them. The firmware's limit is its heap.
    static let limit = 32
    /// The total number of matching steps for one message. Beyond it no filter matches, so that expressions from a
    /// client cannot stop the modules of this process.
    static let stepBudget = 1_000_000

    mutating func removeAll() { all = [] }

    /// - Returns: whether there was room for the filter.
    mutating func add(_ filter: MessageFilter) -> Bool {
        guard all.count < Self.limit else { return false }
        all.append(filter)
        return true
    }

    /// - Returns: whether the filter existed.
    mutating func remove(head: [UInt8], tail: [UInt8]) -> Bool {
        guard let index = all.firstIndex(where: { $0.head == head && $0.tail == tail }) else { return false }
        all.remove(at: index)
        return true
    }

    /// The rest of a message. Only the first matching filter applies.
    func apply(to message: [UInt8]) -> [UInt8] {
        var steps = Self.stepBudget
        for filter in all {
            if let rest = filter.rest(of: message, steps: &steps) { return rest }
        }
        return message
    }
}

/// One regular expression for the head of a message and one for its tail. An empty expression is ignored.
struct MessageFilter {
    let head: [UInt8]
    let tail: [UInt8]
    private let headExpression: RegularExpression?
    private let tailExpression: RegularExpression?

    /// `nil` if an expression is invalid, or both are empty.
    init?(head: [UInt8], tail: [UInt8]) {
        guard !(head.isEmpty && tail.isEmpty) else { return nil }
        self.head = head
        self.tail = tail
        headExpression = RegularExpression(head)
        tailExpression = RegularExpression(tail)
        guard head.isEmpty || headExpression != nil, tail.isEmpty || tailExpression != nil else { return nil }
    }

    /// The message without the parts that match the two expressions. `nil` if one of them does not match.
    func rest(of message: [UInt8], steps: inout Int) -> [UInt8]? {
        var rest = message[...]
        var before: ArraySlice<UInt8> = []
        if !head.isEmpty {
            guard let match = headExpression?.firstMatch(in: rest, steps: &steps) else { return nil }
            before = rest[..<match.lowerBound]
            rest = rest[match.upperBound...]
        }
        guard !tail.isEmpty else { return Array(before + rest) }
        guard let match = tailExpression?.firstMatch(in: rest, steps: &steps) else { return nil }
        return Array(before + rest[..<match.lowerBound] + rest[match.upperBound...])
    }
}
