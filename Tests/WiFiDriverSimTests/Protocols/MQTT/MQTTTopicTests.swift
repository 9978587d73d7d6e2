import Testing

@testable import WiFiSimProtocols

@Suite struct `Topics of MQTT` {
    static let matching: [(MQTTText, MQTTText)] = [
        ("a", "a"), ("#", "a"), ("#", "/"), ("#", "a/b/c"), ("a/#", "a"), ("a/#", "a/"), ("a/#", "a/b/c"),
        ("+", "a"), ("+/+", "/finance"), ("/+", "/finance"), ("a/+/c", "a/b/c"), ("a/+/c", "a//c"), ("a/+", "a/"),
        ("+/b/#", "a/b"), ("$SYS/#", "$SYS/x"), ("$SYS/+", "$SYS/x"), ("a/$b", "a/$b"), ("a/+", "a/$b"), ("/", "/"),
        ("é", "é"), ("a/+/#", "a/b"), ("+/#", "a"), ("A b", "A b"), ("\u{FEFF}", "\u{FEFF}"),
    ]
    static let different: [(MQTTText, MQTTText)] = [
        ("a", "A"), ("a", "a/"), ("a/", "a"), ("/a", "a"), ("a", "b"), ("+", "/finance"), ("+", "a/b"), ("a/+", "a"),
        ("a/+", "a/b/c"), ("a/#", "ab"), ("a/#", "b/a"), ("#", "$SYS/x"), ("+/x", "$SYS/x"), ("+/#", "$SYS"),
        ("+", "$SYS"), ("a/+/c", "a/b/d"), ("a/b/c", "a/b"), ("e\u{301}", "é"), ("a//b", "a/b"),
        ("a/+/#", "a"),
    ]

    @Test func `match as the standard says`() {
        for (filter, topic) in Self.matching { #expect(filter.matches(topic), "\(filter) \(topic)") }
        for (filter, topic) in Self.different { #expect(!filter.matches(topic), "\(filter) \(topic)") }
    }

    @Test func `have wildcards only in filters, each alone in its level`() throws {
        let good: [MQTTText] = ["#", "+", "/", "a/#", "+/+/#", "/+", "a/+/b", "+/", "\"a,b\\c\""]
        for filter in good { try filter.checkFilter() }
        let bad: [MQTTText] = ["a#", "#a", "#/a", "a/#/b", "##", "+a", "a+", "a/b+/c", "++", "a/+#", "#/"]
        for filter in bad {
            #expect(throws: MQTTError.misplacedWildcard(filter)) { try filter.checkFilter() }
            #expect(throws: MQTTError.wildcardInTopic(filter)) { try filter.checkTopic() }
        }
        for topic: MQTTText in ["a", "/", "$SYS", " ", "a//b", "\"a,b\""] { try topic.checkTopic() }
        #expect(throws: MQTTError.emptyTopic) { try MQTTText("").checkTopic() }
        #expect(throws: MQTTError.emptyTopic) { try MQTTText("").checkFilter() }
    }
}
