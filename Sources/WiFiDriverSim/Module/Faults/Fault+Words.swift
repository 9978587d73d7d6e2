import WiFiSimValues

/// Reads a fault from its sentence, word by word (docs/Faults.md).
extension Fault {
    /// Reads a sentence such as `on CIPSEND the 2nd time answer ERROR`.
    /// - Throws: `FaultSyntaxError` with the place and the remedy.
    public init(_ sentence: String) throws(FaultSyntaxError) {
        do throws(WordError) {
            var words = try Words(parsing: sentence)
            self = try Fault(&words)
            try words.finish()
        } catch {
            throw FaultSyntaxError(description: "\"\(sentence)\", at \(error.position + 1): \(error.reason)")
        }
    }

    package init(_ words: inout Words) throws(WordError) {
        trigger = try Trigger(&words)
        let keyword = try words.next("what happens")
        effect = try Effect(keyword, &words)
        try check(keyword)
    }

    /// Refuses sentences that could have no effect.
    private func check(_ keyword: Words.Word) throws(WordError) {
        switch (trigger, effect) {
        case (.always, .bytes), (.always, .answer), (.always, .ignore), (.always, .runLater), (.always, .outOfMemory),
            (.always, .module), (.always, .busy), (.always, .world), (.always, .line(.mute, _)):
            throw keyword.error("say when it happens: begin with on COMMAND, on report NAME or at TIME")
        case (.at, .bytes), (.at, .ignore), (.at, .runLater), (.at, .outOfMemory), (.report, .answer),
            (.report, .ignore), (.report, .busy), (.report, .runLater), (.report, .outOfMemory):
            throw keyword.error("this happens to a command; begin with on COMMAND")
        case (.at, .line(let effect, _)) where !effect.isTimed, (.command, .line(let effect, _)) where !effect.isTimed,
            (.report, .line(let effect, _)) where !effect.isTimed:
            throw keyword.error("a line that fails at a rate does so always; leave out when it happens")
        case (.report, .bytes(_, let phase)) where phase != .report:
            throw keyword.error("a report has no \(phase.rawValue); say the report")
        case (.command, .bytes(_, .report)):
            throw keyword.error("a report is named by its begin: on report NAME")
        case (.command, .module(_, at: .report)):
            throw keyword.error("a command has no report; begin with on report NAME")
        case (.at, .module(_, at: .some)), (.report, .module(_, at: .some)):
            throw keyword.error("only a command has parts; end before \"at the\"")
        case (_, .bytes(.delay, .data)), (_, .bytes(.split, .data)):
            throw keyword.error("the host decides when it sends the data; delay the prompt or the answer")
        default: break
        }
    }
}

extension Fault.LineEffect {
    fileprivate var isTimed: Bool { if case .mute = self { true } else { false } }
}

extension Fault.Trigger {
    fileprivate init(_ words: inout Words) throws(WordError) {
        switch words.peek {
        case "always":
            _ = try words.next("")
            self = .always
        case "at":
            _ = try words.next("")
            self = .at(try words.duration("the time since the start"))
        case "on":
            _ = try words.next("")
            if words.peek == "report" {
                _ = try words.next("")
                let name = try words.text("the begin of the report")
                self = .report(name.first == "+" ? String(name.dropFirst()) : name, try Fault.Occurrence(&words))
            } else {
                let name = try words.text("a command, any, or report")
                self = .command(name == "any" ? .any : CommandPattern(name), try Fault.Occurrence(&words))
            }
        default: self = .always
        }
    }
}

extension Fault.Occurrence {
    fileprivate init(_ words: inout Words) throws(WordError) {
        switch words.peek {
        case "once":
            _ = try words.next("")
            self = .nth(1)
        case "the":
            _ = try words.next("")
            self = .nth(try words.ordinalTime())
        case "every":
            _ = try words.next("")
            self = .every(try words.ordinalTime())
        case "after":
            _ = try words.next("")
            try words.expect("the")
            self = .afterNth(try words.ordinalTime())
        case "with":
            _ = try words.next("")
            self = .chance(try words.percentage())
        default: self = .each
        }
    }
}

extension Fault.Effect {
    fileprivate init(_ keyword: Words.Word, _ words: inout Words) throws(WordError) {
        switch keyword.text {
        case "answer":
            self = .answer(try words.text("the line to answer"))
        case "ignore": self = .ignore
        case "busy":
            if words.take("forever") {
                self = .busy(nil)
            } else {
                try words.expect("for")
                self = .busy(try words.duration("how long it is busy"))
            }
        case "run":
            let word = try words.next("later, or out of memory")
            switch word.text {
            case "later": self = .runLater
            case "out":
                try words.expect("of")
                try words.expect("memory")
                self = .outOfMemory
            default: throw word.error("a command can run later, or run out of memory")
            }
        case "lose":
            if words.take("the") {
                self = .bytes(.lose(nil), of: try words.phase())
            } else if words.peek?.hasSuffix("%") ?? false {
                self = .line(.lose(try words.percentage()), try words.direction())
            } else {
                let count = try words.byteCount()
                try words.expect("of")
                try words.expect("the")
                self = .bytes(.lose(count), of: try words.phase())
            }
        case "flip": self = .line(.flip(try words.percentage()), try words.direction())
        case "cut":
            try words.expect("the")
            let phase = try words.phase()
            try words.expect("after")
            self = .bytes(.cut(after: try words.byteCount()), of: phase)
        case "garble":
            try words.expect("the")
            self = .bytes(.garble, of: try words.phase())
        case "double":
            if words.take("the") {
                self = .bytes(.double, of: try words.phase())
            } else {
                self = .line(.double(try words.percentage()), try words.direction())
            }
        case "insert":
            var rest = words
            let text = try rest.text("the text to insert, or a rate such as 0.1%")
            if text.hasSuffix("%"), rest.peek.flatMap(Fault.ByteEffect.Place.init) == nil {
                self = .line(.insert(try words.percentage()), try words.direction())
                break
            }
            words = rest
            let place: Fault.ByteEffect.Place = try words.choice("where it is inserted")
            try words.expect("the")
            self = .bytes(.insert(text, place), of: try words.phase())
        case "delay":
            try words.expect("the")
            let phase = try words.phase()
            words.skip("by")
            self = .bytes(.delay(try words.duration("how long it is late")), of: phase)
        case "split":
            try words.expect("the")
            let phase = try words.phase()
            try words.expect("after")
            let count = try words.byteCount()
            try words.expect("for")
            self = .bytes(.split(after: count, try words.duration("how long it pauses")), of: phase)
        case "mute":
            try words.expect("for")
            self = .line(.mute(try words.duration("how long nothing passes")), try words.direction())
        case "restart":
            var cause = Fault.ModuleEffect.Cause.panic
            if words.take("with") { cause = try words.choice("the cause") }
            self = .module(.restart(cause), at: try words.atPhase())
        case "boot-loop":
            var count: Int?
            if words.peek.map({ Int($0) != nil }) ?? false {
                count = try words.integer("how often it restarts", 1...1_000_000)
                try words.expect("times")
            }
            self = .module(.bootLoop(count), at: try words.atPhase())
        case "hang":
            let isSilent = words.take("silently")
            self = .module(.hang(isSilent: isSilent), at: try words.atPhase())
        case "forget":
            try words.expect("flash")
            self = .module(.forgetFlash)
        case "damage":
            try words.expect("flash")
            self = .module(.damageFlash)
        case "network": self = .network(try NetworkFault(&words))
        case _ where WorldChange.keywords.contains(keyword.text) && keyword.text != "fault":
            self = .world(try WorldChange(words.takeRest(after: keyword)))
        default:
            throw keyword.error(
                "there is no \"\(keyword.text)\"; what happens is answer, ignore, busy, run, lose, cut, garble, double, "
                    + "insert, delay, split, flip, mute, restart, boot-loop, hang, forget, damage, network, ap, station "
                    + "or smartconfig")
        }
    }
}

extension NetworkFault {
    fileprivate init(_ words: inout Words) throws(WordError) {
        let effect = try Effect(&words)
        self.init(effect)
        // A query has neither a link nor a peer.
        if case .name = effect { return }
        if words.take("link") {
            scope = .link(try words.integer("the link", 0...4))
        } else if words.take("peer") {
            let word = try words.next("the peer's address")
            if let address = IPAddress(word.text) {
                scope = .peer(address)
            } else if let (address, port) = Self.endpoint(word.text) {
                scope = .peer(address, port: port)
            } else {
                throw word.error("\"\(word.text)\" is not ADDRESS or ADDRESS:PORT")
            }
        }
        if effect.hasDirection, words.take("to") {
            let word = try words.next("module or network")
            switch word.text {
            case "module": direction = .toModule
            case "network": direction = .fromModule
            default: throw word.error("traffic goes to the module or to the network")
            }
        }
    }

    /// The address and port of a peer.
    private static func endpoint(_ text: String) -> (IPAddress, UInt16)? {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = text[..<colon]
        if host.first == "[", host.last == "]" { host = host.dropFirst().dropLast() }
        return IPAddress(String(host)).map { ($0, port) }
    }
}

extension NetworkFault.Effect {
    fileprivate init(_ words: inout Words) throws(WordError) {
        let keyword = try words.next("what the network does")
        switch keyword.text {
        case "latency":
            let latency = try words.duration("the latency")
            self = .latency(latency, jitter: words.take("jitter") ? try words.duration("the jitter") : .zero)
        case "bandwidth":
            self = .bandwidth(bytesPerSecond: try words.integer("the bytes per second", 1...1_000_000_000))
        case "loss": self = .loss(try words.percentage())
        case "reorder": self = .reorder(try words.percentage())
        case "slice":
            let count = try words.byteCount()
            try words.expect("every")
            self = .slice(bytes: count, delay: try words.duration("the time between pieces"))
        case "limit": self = .limit(bytes: try words.byteCount())
        case "timeout": self = .timeout(words.peekIsDuration ? try words.duration("") : nil)
        case "reset":
            try words.expect("after")
            self = .reset(after: try words.duration("the age of the connection"))
        case "slow-close": self = .slowClose(try words.duration("how long the close takes"))
        case "half-open": self = .halfOpen
        case "deaf": self = .deaf
        case "partial-send": self = .partialSend(bytes: try words.byteCount())
        case "broken-certificate": self = .brokenCertificate
        case "refuse": self = .refuse
        case "unreachable":
            self = .unreachable(after: words.take("after") ? try words.duration("the time until the answer") : .zero)
        case "no-answer": self = .noAnswer
        case "name":
            let name = try words.text("the host name, or *")
            self = .name(name, try NetworkFault.Resolution(&words))
        default:
            throw keyword.error(
                "there is no \"\(keyword.text)\"; a network fault is latency, bandwidth, loss, reorder, slice, limit, "
                    + "timeout, reset, slow-close, half-open, deaf, partial-send, broken-certificate, refuse, "
                    + "unreachable, no-answer or name")
        }
    }
}

extension NetworkFault.Resolution {
    fileprivate init(_ words: inout Words) throws(WordError) {
        let keyword = try words.next("slow, unknown, silent or is")
        switch keyword.text {
        case "slow": self = .slow(try words.duration("how long the answer takes"))
        case "unknown":
            self = .unknown(after: words.take("after") ? try words.duration("how long the answer takes") : .zero)
        case "silent": self = .silent
        case "is":
            let word = try words.next("an address")
            let addresses = word.text.split(separator: ",", omittingEmptySubsequences: false).map {
                IPAddress(String($0))
            }
            guard !addresses.contains(nil) else { throw word.error("\"\(word.text)\" is not ADDRESS[,ADDRESS…]") }
            self = .addresses(addresses.compactMap(\.self))
        default: throw keyword.error("a name is slow, unknown, silent, or is an address")
        }
    }
}

extension FaultChange {
    /// Reads `[add] [module N] FAULT` or `clear`.
    package init(_ words: inout Words) throws(WordError) {
        if words.take("clear") {
            self = .clear
            return
        }
        words.skip("add")
        let module = words.take("module") ? try words.integer("the module's number", 0...999) : nil
        self = .add(try Fault(&words), module: module)
    }
}

/// A sentence that is not a fault.
public struct FaultSyntaxError: Error, Equatable, CustomStringConvertible {
    /// The sentence, the place, and what is possible there.
    public let description: String
}

// MARK: Words of faults

extension Words {
    mutating func duration(_ what: String) throws(WordError) -> Duration {
        let word = try next(what)
        guard let duration = Duration(text: word.text) else {
            throw word.error("\"\(word.text)\" is not a time such as 200ms or 5s")
        }
        return duration
    }

    var peekIsDuration: Bool { peek.flatMap(Duration.init(text:)) != nil }

    mutating func percentage() throws(WordError) -> Percentage {
        let word = try next("a part such as 0.1%")
        guard word.text.hasSuffix("%"), let value = Double(word.text.dropLast()), let percentage = Percentage(value)
        else {
            throw word.error("\"\(word.text)\" is not a part from 0% to 100%")
        }
        return percentage
    }

    /// A number of bytes, with or without the word.
    mutating func byteCount() throws(WordError) -> Int {
        let count = try integer("the number of bytes", 0...1_000_000_000)
        if !take("bytes") { skip("byte") }
        return count
    }

    /// `2nd time`.
    fileprivate mutating func ordinalTime() throws(WordError) -> Int {
        let word = try next("a number such as 2nd")
        guard ["st", "nd", "rd", "th"].contains(word.text.suffix(2)), let number = Int(word.text.dropLast(2)),
            (1...1_000_000_000).contains(number)
        else { throw word.error("\"\(word.text)\" is not a number such as 1st, 2nd or 3rd") }
        try expect("time")
        return number
    }

    fileprivate mutating func phase() throws(WordError) -> Fault.Phase { try choice("a part of the exchange") }

    fileprivate mutating func atPhase() throws(WordError) -> Fault.Phase? {
        guard take("at") else { return nil }
        try expect("the")
        return try phase()
    }

    /// `to the module` or `to the host`.
    fileprivate mutating func direction() throws(WordError) -> LineDirection? {
        guard take("to") else { return nil }
        try expect("the")
        let word = try next("module or host")
        switch word.text {
        case "module": return .toModule
        case "host": return .toHost
        default: throw word.error("bytes go to the module or to the host")
        }
    }
}
