/// Topic names and topic filters (MQTT 3.1.1, 4.7).
extension MQTTText {
    /// A name must have a character, and no wildcard.
    package func checkTopic() throws(MQTTError) {
        try check()
        guard !isEmpty else { throw .emptyTopic }
        guard !bytes.contains(where: { $0 == Topic.multiLevel || $0 == Topic.singleLevel }) else {
            throw .wildcardInTopic(self)
        }
    }

    /// A filter must have a character. A wildcard must be alone in its level, and `#` must be the last level.
    package func checkFilter() throws(MQTTError) {
        try check()
        guard !isEmpty else { throw .emptyTopic }
        let levels = self.levels
        for (index, level) in levels.enumerated() where level.count > 1 || index < levels.count - 1 {
            let isAlone = level.count == 1
            if level.contains(Topic.multiLevel) { throw .misplacedWildcard(self) }
            if level.contains(Topic.singleLevel), !isAlone { throw .misplacedWildcard(self) }
        }
    }

    /// Whether this filter matches the name of a topic. A wildcard at the start matches no name that starts with `$`.
    package func matches(_ topic: MQTTText) -> Bool {
        if topic.bytes.first == Topic.reserved, let first = bytes.first,
            first == Topic.multiLevel || first == Topic.singleLevel
        {
            return false
        }
        var names = topic.levels[...]
        for level in levels {
            // `#` also matches the level above it: sport/# matches sport.
            if level.elementsEqual([Topic.multiLevel]) { return true }
            guard let name = names.popFirst() else { return false }
            guard level.elementsEqual([Topic.singleLevel]) || level == name else { return false }
        }
        return names.isEmpty
    }

    private var levels: [ArraySlice<UInt8>] {
        bytes.split(separator: Topic.separator, omittingEmptySubsequences: false)
    }

    private enum Topic {
        static let separator = UInt8(ascii: "/")
        static let singleLevel = UInt8(ascii: "+")
        static let multiLevel = UInt8(ascii: "#")
        static let reserved = UInt8(ascii: "$")
    }
}
