import Testing
@testable import WiFiSimModule
@testable import WiFiSimValues

/// The sentences of faults.
struct FaultTextTests {
    /// Every form, as it is printed.
    static let sentences = [
        // When.
        "on CIPSEND answer \"ERROR\"", "on CIPSEND the 1st time ignore", "on CIPSEND the 2nd time ignore",
        "on CIPSEND the 3rd time ignore", "on CIPSEND the 4th time ignore", "on CIPSEND the 11th time ignore",
        "on CIPSEND the 12th time ignore", "on CIPSEND the 13th time ignore", "on CIPSEND the 21st time ignore",
        "on CIPSEND the 112th time ignore", "on CIPSEND every 3rd time ignore", "on CIPSEND after the 2nd time ignore",
        "on CIPSEND with 12.5% ignore", "on any ignore", "on AT ignore", "on ATE0 ignore", "on CIPCLOSE=0 ignore",
        "on CIPSTATUS? ignore", "on \"CIPSTART=0,\\\"SSL\\\"\" ignore", "at 1.5s restart with panic",
        "on report IPD restart with panic", "on report \"WIFI GOT IP\" the 2nd time lose the report",
        // Bytes of a part.
        "on any lose the echo", "on any lose 1 byte of the echo", "on any lose 2 bytes of the answer",
        "on any cut the result after 1 byte", "on any cut the data after 20 bytes", "on any garble the prompt",
        "on any double the answer", "on any insert \"x\" before the echo", "on any insert \"\" inside the answer",
        "on any insert \"\\r\\n\\ta \\\\ b \\\" c\" after the result", "on any delay the answer by 250ms",
        "on any split the prompt after 3 bytes for 2s", "on report IPD split the report after 0 bytes for 1us",
        // The answer.
        "on any answer \"\"", "on any busy for 5s", "on any busy forever", "on any run later",
        "on any run out of memory",
        "at 3s answer \"+NEWS\"", "at 3s busy for 1s",
        // The module.
        "on any restart with watchdog", "on any restart with brownout at the answer", "on any restart with nothing",
        "on any boot-loop", "on any boot-loop 3 times", "on any boot-loop 1 times at the data", "on any hang",
        "on any hang silently", "on any hang silently at the result", "on any forget flash", "at 1s damage flash",
        // The line.
        "lose 0.1%", "flip 100% to the host", "double 0.0001% to the module", "insert 1%",
        "at 1s mute for 2s to the host", "on any mute for 2s",
        // The network.
        "network latency 200ms", "network latency 200ms jitter 50ms link 3", "network bandwidth 1000 to network",
        "network loss 10%", "network reorder 5% to module", "network slice 10 bytes every 20ms",
        "network limit 100 bytes", "network timeout", "network timeout 5s peer 10.0.2.2", "network reset after 0s",
        "network slow-close 3s peer 10.0.2.2:80", "network half-open peer [fec0::2]:80", "network deaf",
        "network partial-send 1 byte", "network broken-certificate", "network refuse", "network unreachable",
        "network unreachable after 3s", "network no-answer link 0", "network name * silent",
        "network name a.example slow 15s", "network name a.example unknown", "network name a.example unknown after 15s",
        "network name a.example is 10.0.2.9,fec0::2", "on CIPSEND the 2nd time network half-open",
        "at 5s network deaf", "on report CONNECT network timeout",
        // The world.
        "at 5s ap \"wifisim\" off", "on CIPSTART ap \"wifisim\" deauthenticates",
        "on CWJAP ap \"wifisim\" join-delay 5s", "on any station \"phone\" leaves",
        "on report IPD smartconfig esptouch \"lab\" \"password\"",
    ]

    @Test(arguments: sentences)
    func `A sentence is printed as it is read`(sentence: String) throws {
        #expect(try Fault(sentence).description == sentence)
    }

    @Test(arguments: [
        ("on cipsend answer ERROR", "on CIPSEND answer \"ERROR\""), ("on AT+CIPSEND ignore", "on CIPSEND ignore"),
        ("on any once ignore", "on any the 1st time ignore"), ("always flip 1%", "flip 1%"),
        ("on report +IPD lose the report", "on report IPD lose the report"),
        ("on any restart", "on any restart with panic"),
        ("on any cut the data after 5", "on any cut the data after 5 bytes"),
        ("on any delay the answer 5s", "on any delay the answer by 5s"), ("at 60s hang", "at 60s hang"),
        ("at 1min hang", "at 60s hang"), ("  on   any \"ignore\" ", "on any ignore"), ("flip 1.0%", "flip 1%"),
        ("network bandwidth 1000 peer ::1", "network bandwidth 1000 peer ::1"),
    ])
    func `A sentence has shorter and longer forms`(sentence: String, printed: String) throws {
        #expect(try Fault(sentence).description == printed)
    }

    @Test(arguments: [
        ("", 1, "what happens is missing"),
        ("explode", 1, "there is no \"explode\"; what happens is answer"),
        ("on", 3, "a command, any, or report is missing"),
        ("on CIPSEND", 11, "what happens is missing"),
        ("on CIPSEND the", 15, "a number such as 2nd is missing"),
        ("on CIPSEND the 2 time ignore", 16, "\"2\" is not a number such as 1st, 2nd or 3rd"),
        ("on CIPSEND the 0th time ignore", 16, "is not a number such as 1st"),
        ("on CIPSEND the 2nd ignore", 20, "\"ignore\" is not time"),
        ("on CIPSEND after 2nd time ignore", 18, "\"2nd\" is not the"),
        ("on CIPSEND with 0.1 ignore", 17, "\"0.1\" is not a part from 0% to 100%"),
        ("on CIPSEND with 101% ignore", 17, "is not a part from 0% to 100%"),
        ("at ignore", 4, "\"ignore\" is not a time such as 200ms or 5s"),
        ("at 1001h hang", 4, "is not a time"),
        ("on report", 10, "the begin of the report is missing"),
        ("on any answer", 14, "the line to answer is missing"),
        ("on any answer \"ERROR", 15, "the closing quote is missing"),
        ("on any answer ERROR now", 21, "nothing may follow here"),
        ("on any busy", 12, "the word for is missing"),
        ("on any busy for ever", 17, "\"ever\" is not a time"),
        ("on any run now", 12, "a command can run later, or run out of memory"),
        ("on any run out of patience", 19, "\"patience\" is not memory"),
        ("on any lose the", 16, "a part of the exchange is missing"),
        ("on any lose the tail", 17, "is echo, prompt, data, answer, result, report"),
        ("on any lose -1 of the data", 13, "the number of bytes must be a number from 0 to 1000000000"),
        ("on any cut the data", 20, "the word after is missing"),
        ("on any insert x between the answer", 17, "where it is inserted is before, inside, after"),
        ("on any delay the data by 1s", 8, "the host decides when it sends the data"),
        ("on any split the data after 2 for 1s", 8, "the host decides when it sends the data"),
        ("on any lose the report", 8, "on report NAME"),
        ("on any restart at the report", 8, "on report NAME"),
        ("on report IPD lose the data", 15, "a report has no data; say the report"),
        ("on report IPD ignore", 15, "this happens to a command; begin with on COMMAND"),
        ("on report IPD hang at the answer", 15, "only a command has parts"),
        ("at 1s restart at the answer", 7, "only a command has parts"),
        ("at 1s lose the answer", 7, "this happens to a command"),
        ("at 1s lose 1%", 7, "a line that fails at a rate does so always"),
        ("lose the answer", 1, "say when it happens"),
        ("hang", 1, "say when it happens"),
        ("ap wifisim off", 1, "say when it happens"),
        ("on any restart with joy", 21, "the cause is panic, watchdog, brownout, nothing"),
        ("on any boot-loop 3", 19, "the word times is missing"),
        ("on any boot-loop 0 times", 18, "how often it restarts must be a number from 1 to 1000000"),
        ("on any forget", 14, "the word flash is missing"),
        ("lose 1% to the moon", 16, "bytes go to the module or to the host"),
        ("network", 8, "what the network does is missing"),
        ("network drop", 9, "there is no \"drop\"; a network fault is latency"),
        ("network link", 9, "there is no \"link\""),
        ("network latency", 16, "the latency is missing"),
        ("network bandwidth 0", 19, "the bytes per second must be a number from 1 to 1000000000"),
        ("network loss 5% link 5", 22, "the link must be a number from 0 to 4"),
        ("network loss 5% peer host:80", 22, "\"host:80\" is not ADDRESS or ADDRESS:PORT"),
        ("network loss 5% link 1 peer 10.0.2.2", 24, "nothing may follow here"),
        ("network loss 5% to host", 20, "traffic goes to the module or to the network"),
        ("network half-open to module", 19, "nothing may follow here"),
        ("network name a.example", 23, "slow, unknown, silent or is is missing"),
        ("network name a.example gone", 24, "a name is slow, unknown, silent, or is an address"),
        ("network name a.example is b", 27, "\"b\" is not ADDRESS[,ADDRESS…]"),
        ("network name a.example silent link 1", 31, "nothing may follow here"),
        ("at 1s ap wifisim explode", 18, "an access point goes on or off"),
        ("at 1s fault clear", 7, "there is no \"fault\""),
    ])
    func `A sentence that is no fault is refused with its place and the remedy`(
        sentence: String, place: Int, remedy: String
    ) throws {
        let error = try #require(throws: FaultSyntaxError.self) { try Fault(sentence) }
        #expect(error.description.hasPrefix("\"\(sentence)\", at \(place): "), "\(error)")
        #expect(error.description.contains(remedy), "\(error)")
    }

    @Test func `What a generator makes is read as it is printed`() throws {
        var random = FaultGenerator(seed: 1)
        for _ in 0..<20_000 {
            let fault = random.fault()
            #expect(try Fault(fault.description) == fault, "\(fault)")
        }
    }

    @Test func `Words in any order are read or refused`() {
        var random = SeededGenerator(2)
        let words =
            Set(Self.sentences.flatMap { $0.split(separator: " ") }).sorted() + ["", "\"", "\\", "%", "é", "1e9%"]
        var faults = 0
        for _ in 0..<20_000 {
            let count = Int.random(in: 0..<9, using: &random)
            let sentence = (0..<count).map { _ in words[Int.random(in: 0..<words.count, using: &random)] }
                .joined(separator: " ")
            guard let fault = try? Fault(sentence) else { continue }
            faults += 1
            #expect((try? Fault(fault.description)) == fault, "\(sentence)")
        }
        #expect(faults > 0)
    }

    @Test(arguments: [
        ("CIPSEND", "AT+CIPSEND=0,5", true), ("CIPSEND", "AT+CIPSEND", true), ("CIPSEND", "AT+CIPSENDEX=0,5", false),
        ("cipsend", "AT+CIPSEND?", true), ("CIPSEND?", "AT+CIPSEND=0,5", false), ("CIPSEND=", "AT+CIPSEND=0,5", true),
        ("CIPCLOSE=0", "AT+CIPCLOSE=0", true), ("CIPCLOSE=0", "AT+CIPCLOSE=1", false), ("AT", "AT", true),
        ("AT", "AT+GMR", false), ("ATE0", "ATE0", true), ("*", "AT+GMR", true), ("GMR", "", false),
    ])
    func `A pattern names a command, or how its line begins`(pattern: String, line: String, matches: Bool) {
        #expect(CommandPattern(pattern).matches(Array(line.utf8)) == matches)
    }
}

/// Makes faults that have a sentence.
struct FaultGenerator {
    private var random: SeededGenerator
    init(seed: UInt64) { random = SeededGenerator(seed) }

    private mutating func one<Value>(of values: [Value]) -> Value {
        values[Int.random(in: 0..<values.count, using: &random)]
    }
    private mutating func count() -> Int { one(of: [0, 1, 2, 100, 65_536, 1_000_000_000]) }
    private mutating func time() -> Duration {
        .nanoseconds(one(of: [0, 1, 999, 1000, 1_000_001, 1_500_000_000, 3_600_000_000_000_000]))
    }
    private mutating func part() -> Percentage {
        one(of: [0, 1, 12_345, 999_999, 1_000_000].compactMap { Bounded<0, 1_000_000>($0) }.map(Percentage.init))
    }
    private mutating func text() -> String {
        let characters: [Character] = [
            "a", "Z", "0", " ", "\"", "\\", "\r", "\n", "\t", "+", ":", "é", "😀", "%", "#", "<",
        ]
        return String((0..<Int.random(in: 0..<6, using: &random)).map { _ in one(of: characters) })
    }

    mutating func fault() -> Fault {
        switch Int.random(in: 0..<5, using: &random) {
        case 0: Fault(.command(pattern(), occurrence()), ofCommand())
        case 1: Fault(.report(one(of: ["IPD", "WIFI GOT IP", "a\"b", "the", "é"]), occurrence()), ofReport())
        case 2: Fault(.at(time()), timed())
        case 3: Fault(.always, .line(noise(), direction()))
        default: Fault(.always, .network(network()))
        }
    }

    private mutating func pattern() -> CommandPattern {
        CommandPattern(one(of: ["*", "CIPSEND", "CIPSEND?", "AT", "CWJAP=\"a b\"", "the", "report", "any", ""]))
    }

    private mutating func occurrence() -> Fault.Occurrence {
        let number = one(of: [1, 2, 3, 4, 11, 22, 113, 1_000_000_000])
        return one(of: [.each, .nth(number), .every(number), .afterNth(number), .chance(part())])
    }

    private mutating func direction() -> LineDirection? { one(of: [nil, .toHost, .toModule]) }

    private mutating func bytes() -> Fault.ByteEffect {
        one(of: [
            .lose(nil), .lose(count()), .cut(after: count()), .garble, .double,
            .insert(text(), one(of: Fault.ByteEffect.Place.allCases)),
        ])
    }

    private mutating func waiting() -> Fault.ByteEffect { one(of: [.delay(time()), .split(after: count(), time())]) }

    private mutating func ofCommand() -> Fault.Effect {
        one(of: [
            .bytes(bytes(), of: one(of: [.echo, .prompt, .data, .answer, .result])),
            .bytes(waiting(), of: one(of: [.echo, .prompt, .answer, .result])), .answer(text()), .ignore, .busy(nil),
            .busy(time()), .runLater, .outOfMemory,
            .module(stop(), at: one(of: [nil, .echo, .prompt, .data, .answer, .result])), timed(),
        ])
    }

    private mutating func ofReport() -> Fault.Effect {
        let effect = timed()
        return switch effect {
        case .answer, .busy: .bytes(one(of: [bytes(), waiting()]), of: .report)
        default: effect
        }
    }

    private mutating func timed() -> Fault.Effect {
        one(of: [
            .answer(text()), .busy(time()), .module(stop()), .module(.forgetFlash), .module(.damageFlash),
            .line(.mute(time()), direction()), .network(network()), .world(.accessPoint(text(), .off)),
            .world(.station(name: text(), .leaves)),
        ])
    }

    private mutating func stop() -> Fault.ModuleEffect {
        one(of: [
            .restart(one(of: Fault.ModuleEffect.Cause.allCases)), .bootLoop(nil),
            .bootLoop(one(of: [1, 2, 1_000_000])),
            .hang(isSilent: true), .hang(isSilent: false),
        ])
    }

    private mutating func noise() -> Fault.LineEffect {
        one(of: [.lose(part()), .flip(part()), .double(part()), .insert(part())])
    }

    private mutating func network() -> NetworkFault {
        let addresses = [IPAddress("10.0.2.2"), IPAddress("fec0::2"), IPAddress("::1")].compactMap(\.self)
        let effect: NetworkFault.Effect = one(of: [
            .latency(time(), jitter: time()), .bandwidth(bytesPerSecond: one(of: [1, 1_000_000_000])), .loss(part()),
            .reorder(part()), .slice(bytes: count(), delay: time()), .limit(bytes: count()), .timeout(nil),
            .timeout(time()), .reset(after: time()), .slowClose(time()), .halfOpen, .deaf, .partialSend(bytes: count()),
            .brokenCertificate, .refuse, .unreachable(after: time()), .noAnswer,
            .name(
                text(),
                one(of: [
                    .slow(time()), .unknown(after: time()), .silent, .addresses(addresses), .addresses([addresses[0]]),
                ])),
        ])
        if case .name = effect { return NetworkFault(effect) }
        let scope: NetworkFault.Scope = one(of: [
            .all, .link(one(of: [0, 4])), .peer(one(of: addresses)),
            .peer(one(of: addresses), port: one(of: [1, 65_535])),
        ])
        let direction = one(of: NetworkFault.Direction.allCases)
        return NetworkFault(effect, on: scope, direction: effect.hasDirection ? direction : .both)
    }
}
