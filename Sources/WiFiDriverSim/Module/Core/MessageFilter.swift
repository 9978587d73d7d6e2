import WiFiSimValues

/// SYSMSGFILTER and SYSMSGFILTERCFG: what is left out of what the module says (ESP-AT docs, Basic, SYSMSGFILTERCFG).
struct MessageFilters {
    var isOn = false
    private(set) var all: [MessageFilter] = []

    /// Each message is compared with all of them. The firmware takes as many as its heap holds.
    static let limit = 32
    /// The steps that all filters together may take over one message. Beyond them no filter matches, so that expressions
    /// that a client sets cannot stop the modules of this process.
    static let stepBudget = 1_000_000

    mutating func removeAll() { all = [] }

    /// - Returns: whether there was room for it.
    mutating func add(_ filter: MessageFilter) -> Bool {
        guard all.count < Self.limit else { return false }
        all.append(filter)
        return true
    }

    /// - Returns: whether there was such a filter.
    mutating func remove(head: [UInt8], tail: [UInt8]) -> Bool {
        guard let index = all.firstIndex(where: { $0.head == head && $0.tail == tail }) else { return false }
        all.remove(at: index)
        return true
    }

    /// What is sent of a message: the first filter that matches it is the only one that does.
    func apply(to message: [UInt8]) -> [UInt8] {
        var steps = Self.stepBudget
        for filter in all {
            if let rest = filter.rest(of: message, steps: &steps) { return rest }
        }
        return message
    }
}

/// A regular expression for a message's head and one for its tail; an empty one is ignored.
struct MessageFilter {
    let head: [UInt8]
    let tail: [UInt8]
    private let headExpression: RegularExpression?
    private let tailExpression: RegularExpression?

    /// `nil` if an expression is wrong, or both are empty.
    init?(head: [UInt8], tail: [UInt8]) {
        guard !(head.isEmpty && tail.isEmpty) else { return nil }
        self.head = head
        self.tail = tail
        headExpression = RegularExpression(head)
        tailExpression = RegularExpression(tail)
        guard head.isEmpty || headExpression != nil, tail.isEmpty || tailExpression != nil else { return nil }
    }

    /// The message without what the two expressions match; `nil` if one of them does not.
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
