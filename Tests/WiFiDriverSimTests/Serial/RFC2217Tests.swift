import Testing
@testable import WiFiSimValues

extension RFC2217Server {
    fileprivate mutating func receive(_ bytes: [UInt8], cut: InputCut = .whole) -> [Input] {
        var inputs: [Input] = []
        for block in cut.blocks(of: bytes) {
            for input in block.withUnsafeBytes({ receive($0) }) {
                if case .data(let new) = input, case .data(let old) = inputs.last {
                    inputs[inputs.count - 1] = .data(old + new)
                } else {
                    inputs.append(input)
                }
            }
        }
        return inputs
    }

    fileprivate mutating func send(_ bytes: [UInt8]) { bytes.withUnsafeBytes { send($0) } }

    fileprivate mutating func takeOutput() -> [UInt8] { output.take(.max) }

    /// What the server answers to the bodies of COM-PORT-OPTION subnegotiations, one after the other.
    fileprivate mutating func answers(to requests: [UInt8]...) -> [UInt8] {
        _ = takeOutput()
        for request in requests { _ = receive(comPort(request)) }
        return takeOutput()
    }
}

extension RFC2217Client {
    fileprivate mutating func receive(_ bytes: [UInt8], cut: InputCut = .whole) -> [Event] {
        var events: [Event] = []
        for block in cut.blocks(of: bytes) {
            for event in block.withUnsafeBytes({ receive($0) }) {
                if case .data(let new) = event, case .data(let old) = events.last {
                    events[events.count - 1] = .data(old + new)
                } else {
                    events.append(event)
                }
            }
        }
        return events
    }

    fileprivate mutating func send(_ bytes: [UInt8]) { bytes.withUnsafeBytes { send($0) } }

    fileprivate mutating func takeOutput() -> [UInt8] { output.take(.max) }
}

private let iac: UInt8 = 255
private let will: UInt8 = 251
private let wont: UInt8 = 252
private let doIt: UInt8 = 253
private let dont: UInt8 = 254

/// A subnegotiation of COM-PORT-OPTION on the wire. IAC in the body is doubled.
private func comPort(_ body: [UInt8]) -> [UInt8] {
    [iac, 250, 44] + body.flatMap { $0 == iac ? [iac, iac] : [$0] } + [iac, 240]
}

private func comPort(_ bodies: [UInt8]...) -> [UInt8] { bodies.flatMap { comPort($0) } }

/// A server whose client has agreed to everything, with the output taken.
private func agreedServer(modemState: ModemState = [.clearToSend, .dataSetReady, .carrierDetect]) -> RFC2217Server {
    var server = RFC2217Server(modemState: modemState)
    _ = server.receive([iac, will, 44])
    _ = server.takeOutput()
    return server
}

/// A client whose server has agreed, with the output taken.
private func agreedClient() -> RFC2217Client {
    var client = RFC2217Client()
    _ = client.receive([iac, doIt, 44])
    _ = client.takeOutput()
    return client
}

@Suite struct `The server of RFC 2217` {
    @Test(arguments: InputCut.allCases)
    fileprivate func `answers the opening of pyserial 3.5`(cut: InputCut) {
        var server = RFC2217Server()
        #expect(
            server.takeOutput() == [
                iac, will, 1, iac, will, 3, iac, will, 0, iac, doIt, 0, iac, doIt, 44,
            ])
        // ECHO, SGA both ways, COM-PORT-OPTION both ways; then the answers to the server's requests.
        let negotiation: [UInt8] = [
            iac, doIt, 1, iac, will, 3, iac, doIt, 3, iac, doIt, 44, iac, will, 44, iac, doIt, 0, iac, will, 0,
        ]
        #expect(server.receive(negotiation, cut: cut).isEmpty)
        #expect(server.isAgreed)
        // The server had not asked for the client's SGA, nor to send COM-PORT-OPTION itself.
        #expect(server.takeOutput() == [iac, doIt, 3, iac, will, 44] + comPort([107, 0xB0]))
        let settings = comPort(
            [1, 0, 1, 0xC2, 0], [2, 8], [3, 1], [4, 1], [5, 1], [5, 8], [5, 11], [12, 1], [12, 2])
        #expect(server.receive(settings, cut: cut) == [.purge(.receive), .purge(.transmit)])
        #expect(
            server.takeOutput()
                == comPort(
                    [101, 0, 1, 0xC2, 0], [102, 8], [103, 1], [104, 1], [105, 1], [105, 8], [105, 11], [112, 1],
                    [112, 2]))
        #expect(server.settings == LineSettings())
    }

    @Test func `reports each change of a setting, in its place in the data`() {
        var server = agreedServer()
        let bytes =
            Array("AT".utf8) + comPort([1, 0, 0, 0x25, 0x80], [2, 7]) + [iac, iac]
            + comPort([3, 4], [4, 3], [3, 4], [5, 5], [5, 6], [5, 9], [5, 12], [5, 3], [5, 15]) + [0x0D, 0]
        #expect(
            server.receive(bytes) == [
                .data(Array("AT".utf8)), .setting(.bitRate(9600)), .setting(.dataBits(7)), .data([iac]),
                .setting(.parity(.mark)), .setting(.stopBits(.oneAndHalf)), .setting(.breakSignal(true)),
                .setting(.breakSignal(false)), .setting(.dtr(false)), .setting(.rts(false)),
                .setting(.flowControl(.hardware)), .setting(.inboundFlowControl(.xonXoff)), .data([0x0D, 0]),
            ])
        var settings = LineSettings()
        settings.bitRate = 9600
        settings.dataBits = 7
        settings.parity = .mark
        settings.stopBits = .oneAndHalf
        settings.dtr = false
        settings.rts = false
        settings.flowControl = .hardware
        settings.inboundFlowControl = .xonXoff
        #expect(server.settings == settings)
        #expect(
            server.answers(
                to: [1, 0, 0, 0, 0], [2, 0], [3, 0], [4, 0], [5, 0], [5, 4], [5, 7], [5, 10], [5, 13])
                == comPort(
                    [101, 0, 0, 0x25, 0x80], [102, 7], [103, 4], [104, 3], [105, 3], [105, 6], [105, 9], [105, 12],
                    [105, 15]))
    }

    @Test func `takes any bit rate, also one with IAC in it`() {
        var server = agreedServer()
        for rate: UInt32 in [1, 74880, 0xFFFF_FFFF, 0x00FF_00FF, 0xF0FF_F0FF] {
            let value = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: rate >> $0) }
            #expect(server.answers(to: [1] + value) == comPort([101] + value))
            #expect(server.settings.bitRate.value == rate)
        }
    }

    @Test(
        arguments: [
            ([2, 9], [102, 8]), ([2, 4], [102, 8]), ([3, 6], [103, 1]), ([4, 4], [104, 1]), ([5, 17], [105, 1]),
            ([5, 18], [105, 14]), ([5, 19], [105, 1]),
        ] as [([UInt8], [UInt8])])
    func `answers an impossible value with the one in force`(request: [UInt8], answer: [UInt8]) {
        var server = agreedServer()
        guard case .notice(.impossible(_, let value)) = server.receive(comPort(request)).first else {
            Issue.record("no notice")
            return
        }
        #expect(value == request[1])
        #expect(server.takeOutput() == comPort(answer))
        #expect(server.settings == LineSettings())
    }

    @Test func `answers each negotiation once`() {
        var server = RFC2217Server()
        _ = server.takeOutput()
        // TERMINAL-TYPE and NAWS are refused, and a repeated request is not answered again.
        #expect(server.receive([iac, doIt, 24, iac, will, 31, iac, doIt, 24, iac, will, 31]).isEmpty)
        #expect(server.takeOutput() == [iac, wont, 24, iac, dont, 31])
        // The answers to its own requests are not answered.
        _ = server.receive([iac, doIt, 1, iac, doIt, 3, iac, dont, 0, iac, wont, 0, iac, will, 44])
        #expect(server.takeOutput() == comPort([107, 0xB0]))
        // The client may not echo.
        _ = server.receive([iac, will, 1])
        #expect(server.takeOutput() == [iac, dont, 1])
        // An option is switched off and on again.
        _ = server.receive([iac, dont, 1, iac, dont, 1, iac, doIt, 1, iac, doIt, 1])
        #expect(server.takeOutput() == [iac, wont, 1, iac, will, 1])
        // To refuse what is off needs no answer.
        _ = server.receive([iac, dont, 99, iac, wont, 99])
        #expect(server.takeOutput().isEmpty)
    }

    @Test func `tells of the module's lines as the mask allows`() {
        var server = RFC2217Server(modemState: [.dataSetReady])
        _ = server.takeOutput()
        server.modemState = [.dataSetReady, .clearToSend]
        #expect(server.takeOutput().isEmpty, "the client has not agreed")
        _ = server.receive([iac, will, 44])
        #expect(server.takeOutput() == comPort([107, 0x30]))
        server.modemState = [.dataSetReady]
        #expect(server.takeOutput() == comPort([107, 0x21]))
        server.modemState = [.dataSetReady]
        #expect(server.takeOutput().isEmpty, "nothing has changed")
        server.modemState = [.dataSetReady, .ringIndicator]
        #expect(server.takeOutput() == comPort([107, 0x60]), "only the end of a ring has a bit")
        server.modemState = [.carrierDetect]
        #expect(server.takeOutput() == comPort([107, 0x8E]))

        #expect(server.answers(to: [11, 0x81]) == comPort([111, 0x81], [107, 0x80]))
        server.modemState = [.carrierDetect, .dataSetReady]
        #expect(server.takeOutput() == comPort([107, 0x80]))
        server.modemState = [.dataSetReady, .clearToSend]
        #expect(server.takeOutput() == comPort([107, 0x01]))
        #expect(server.answers(to: [11, 0]) == comPort([111, 0]))
        server.modemState = []
        #expect(server.takeOutput().isEmpty)
        server.modemState = [.clearToSend]
        #expect(server.takeOutput().isEmpty)
        // A client that asks gets the whole state, with or without a value in its request.
        #expect(server.answers(to: [7], [7, 0]) == comPort([107, 0x10], [107, 0x10]))
    }

    @Test func `answers purges, masks, line states and signatures`() {
        var server = RFC2217Server(signature: "a module")
        #expect(server.answers(to: [0]) == comPort([100] + "a module".utf8))
        #expect(server.answers(to: [10, 0x1E], [6]) == comPort([110, 0x1E], [106, 0]))
        #expect(
            server.receive(comPort([12, 1], [12, 2], [12, 3])) == [
                .purge(.receive), .purge(.transmit), .purge(.both),
            ])
        #expect(server.takeOutput() == comPort([112, 1], [112, 2], [112, 3]))
        #expect(server.receive(comPort([0] + "pyserial".utf8)) == [.notice(.signature(Array("pyserial".utf8)))])
        #expect(server.receive(comPort([8])) == [.suspend])
        #expect(server.isSuspended)
        #expect(server.receive(comPort([9])) == [.resume])
        #expect(!server.isSuspended)
        #expect(server.takeOutput().isEmpty)
    }

    @Test func `takes Telnet's BREAK for a break`() {
        var server = agreedServer()
        #expect(
            server.receive([0x41, iac, 243, 0x42]) == [
                .data([0x41]), .setting(.breakSignal(true)), .setting(.breakSignal(false)), .data([0x42]),
            ])
        #expect(server.receive(comPort([5, 5]) + [iac, 243]) == [.setting(.breakSignal(true))])
        #expect(server.settings.breakSignal)
    }

    @Test(arguments: InputCut.allCases)
    fileprivate func `passes every byte both ways`(cut: InputCut) {
        var server = agreedServer()
        let data = Array(0...255) + [iac, iac, 0x0D, 0x0A, iac, 240, iac, 250] as [UInt8]
        let escaped = data.flatMap { $0 == iac ? [iac, iac] : [$0] }
        #expect(server.receive(escaped, cut: cut) == [.data(data)])
        for block in cut.blocks(of: data) { server.send(block) }
        #expect(server.takeOutput() == escaped)
    }

    @Test(arguments: InputCut.allCases)
    fileprivate func `skips what it does not know, with a notice`(cut: InputCut) {
        var server = agreedServer()
        let cases: [([UInt8], [RFC2217Notice])] = [
            (comPort([13, 1]), [.unknownRequest(command: 13, value: [1])]),
            (comPort([101, 0, 0, 0, 1]), [.unknownRequest(command: 101, value: [0, 0, 0, 1])]),
            (comPort([5, 20]), [.unknownRequest(command: 5, value: [20])]),
            (comPort([5, 200]), [.unknownRequest(command: 5, value: [200])]),
            (comPort([12, 0]), [.unknownRequest(command: 12, value: [0])]),
            (comPort([1, 0, 0, 1]), [.missingValue(command: 1)]),
            (comPort([2], [5], [11], [12]), [2, 5, 11, 12].map { .missingValue(command: $0) }),
            (comPort([]), [.missingValue(command: nil)]),
            ([iac, 250, iac, 240], [.missingValue(command: nil)]),
            ([iac, 250, 24, 1, iac, 240], [.foreignSubnegotiation(option: 24)]),
            ([iac, 250, 44] + Array(repeating: 0, count: 256) + [iac, 240], [.longSubnegotiation]),
            ([iac, 250, 44] + Array(repeating: iac, count: 514) + [iac, 240], [.longSubnegotiation]),
            ([iac, 250, 44, 2, 5, iac, 241], [.interruptedSubnegotiation]),
            ([iac, 246], [.unknownCommand(246)]),
            ([iac, 240], [.unknownCommand(240)]),
            ([iac, 7], [.unknownCommand(7)]),
            ([iac, 241, iac, 242, iac, 249], []),
        ]
        for (bytes, notices) in cases {
            #expect(server.receive(bytes + [0x41], cut: cut) == notices.map { .notice($0) } + [.data([0x41])])
            #expect(server.takeOutput().isEmpty, "\(bytes)")
        }
        #expect(server.settings == LineSettings())
        // The command that interrupts a subnegotiation counts.
        let interrupted = [iac, 250, 44, 2] + comPort([2, 5])
        #expect(
            server.receive(interrupted, cut: cut) == [.notice(.interruptedSubnegotiation), .setting(.dataBits(5))])
    }

    @Test func `reads a signature of 254 bytes`() {
        var server = agreedServer()
        let text = [UInt8](repeating: iac, count: 254)
        #expect(server.receive(comPort([0] + text)) == [.notice(.signature(text))])
    }
}

@Suite struct `The client of RFC 2217` {
    @Test func `negotiates first, and sets the port once the server has agreed`() {
        var client = RFC2217Client()
        client.set(.rts(false))
        client.set(.bitRate(9600))
        client.set(.bitRate(460_800))
        client.set(.parity(.even))
        client.purge(.both)
        #expect(
            client.takeOutput() == [iac, will, 44, iac, will, 3, iac, doIt, 3, iac, will, 0, iac, doIt, 0])
        #expect(!client.isSettled)
        #expect(client.receive([iac, doIt, 44]) == [.agreed])
        #expect(client.agreement == .agreed)
        #expect(client.takeOutput() == comPort([11, 0xFF], [1, 0, 7, 8, 0], [3, 3], [5, 12]))
        #expect(
            client.receive(comPort([111, 0xFF], [101, 0, 7, 8, 0], [103, 3])) == [
                .setting(.bitRate(460_800)), .setting(.parity(.even)),
            ])
        #expect(!client.isSettled)
        #expect(client.receive(comPort([105, 12])) == [.setting(.rts(false))])
        #expect(client.isSettled)
        client.purge(.transmit)
        #expect(client.takeOutput() == comPort([12, 2]))
        #expect(client.receive(comPort([112, 2])) == [.purged(.transmit)])
    }

    @Test func `tells which setting the server has declined, and passes over answers to earlier requests`() {
        var client = agreedClient()
        client.set(.bitRate(5_000_000))
        #expect(
            client.receive(comPort([101, 0, 1, 0xC2, 0])) == [
                .declined(.bitRate(5_000_000), inForce: .bitRate(115_200))
            ])
        client.set(.dtr(true))
        client.set(.dtr(false))
        #expect(client.takeOutput() == comPort([1, 0, 0x4C, 0x4B, 0x40], [5, 8], [5, 9]))
        #expect(client.receive(comPort([105, 8])).isEmpty)
        #expect(client.receive(comPort([105, 9])) == [.setting(.dtr(false))])
        // A change that nobody asked for, and sredird's answer with four more bytes.
        #expect(client.receive(comPort([102, 7])) == [.setting(.dataBits(7))])
        #expect(client.receive(comPort([101, 0, 0, 0x25, 0x80, 0, 0, 0, 0])) == [.setting(.bitRate(9600))])
    }

    @Test(arguments: InputCut.allCases)
    fileprivate func `passes data through a server that refuses the option`(cut: InputCut) {
        var client = RFC2217Client()
        client.set(.bitRate(9600))
        _ = client.takeOutput()
        #expect(
            client.receive([iac, dont, 44, 0x41, iac, iac, iac, dont, 0, iac, wont, 0], cut: cut) == [
                .refused, .data([0x41, iac]),
            ])
        #expect(client.agreement == .refused)
        client.set(.dataBits(7))
        client.purge(.both)
        client.send([0x42, iac, 0x43])
        #expect(client.takeOutput() == [0x42, iac, iac, 0x43])
        // A server may still change its mind.
        #expect(client.receive([iac, will, 44]) == [.agreed])
        #expect(client.takeOutput() == [iac, doIt, 44] + comPort([11, 0xFF], [1, 0, 0, 0x25, 0x80], [2, 7]))
        #expect(client.receive([iac, wont, 44]) == [.refused])
        #expect(client.takeOutput() == [iac, dont, 44])
    }

    @Test func `takes the server's part of the option for its consent`() {
        var client = RFC2217Client()
        _ = client.takeOutput()
        #expect(client.receive([iac, will, 44]) == [.agreed])
        #expect(client.receive([iac, doIt, 44]).isEmpty)
        #expect(client.takeOutput() == [iac, doIt, 44] + comPort([11, 0xFF]))
    }

    @Test(arguments: InputCut.allCases)
    fileprivate func `reports the device's lines, suspension and signatures`(cut: InputCut) {
        var client = agreedClient()
        let bytes = comPort([107, 0xB3], [106, 0x10], [108], [109], [100, iac, 0x41], [108])
        #expect(
            client.receive(bytes, cut: cut) == [
                .modemState([.clearToSend, .dataSetReady, .carrierDetect]), .lineState(0x10), .suspend, .resume,
                .notice(.signature([iac, 0x41])), .suspend,
            ])
        #expect(client.modemState == [.clearToSend, .dataSetReady, .carrierDetect])
        #expect(client.isSuspended)
        #expect(client.receive(comPort([100])).isEmpty)
        #expect(client.takeOutput() == comPort([0] + "wifisim".utf8))
    }

    @Test(arguments: InputCut.allCases)
    fileprivate func `skips what only a client says`(cut: InputCut) {
        var client = agreedClient()
        #expect(
            client.receive(comPort([2, 7], [102, 0], [102, 9], [107]) + [iac, 243], cut: cut) == [
                .notice(.unknownRequest(command: 2, value: [7])), .notice(.impossible(.dataBits, value: 0)),
                .notice(.impossible(.dataBits, value: 9)), .notice(.missingValue(command: 107)),
                .notice(.unknownCommand(243)),
            ])
        #expect(client.takeOutput().isEmpty)
    }
}

@Suite struct `Client and server of RFC 2217` {
    /// Carries bytes both ways until both sides are silent.
    private func settle(_ client: inout RFC2217Client, _ server: inout RFC2217Server, _ cut: InputCut)
        -> (events: [RFC2217Client.Event], inputs: [RFC2217Server.Input], rounds: Int)
    {
        var events: [RFC2217Client.Event] = []
        var inputs: [RFC2217Server.Input] = []
        var rounds = 0
        while !(client.output.isEmpty && server.output.isEmpty), rounds < 10 {
            inputs += server.receive(client.takeOutput(), cut: cut)
            events += client.receive(server.takeOutput(), cut: cut)
            rounds += 1
        }
        return (events, inputs, rounds)
    }

    @Test(arguments: InputCut.allCases)
    fileprivate func `agree, carry every setting and fall silent`(cut: InputCut) {
        var client = RFC2217Client()
        var server = RFC2217Server()
        let settings: [LineSetting] = [
            .bitRate(0xFFFF_FFFF), .dataBits(5), .parity(.space), .stopBits(.two), .flowControl(.xonXoff),
            .inboundFlowControl(.hardware), .breakSignal(true), .dtr(false), .rts(false),
        ]
        for setting in settings { client.set(setting) }
        let (events, inputs, rounds) = settle(&client, &server, cut)
        #expect(rounds <= 3)
        #expect(inputs == settings.map { .setting($0) })
        #expect(
            events.filter { if case .modemState = $0 { false } else { true } }
                == [.agreed] + settings.map { .setting($0) })
        #expect(client.isSettled && server.isAgreed)
        #expect(settings.allSatisfy { server.settings[$0.kind] == $0 })

        let data = [UInt8](0...255) + [UInt8](repeating: iac, count: 1000)
        client.send(data)
        server.send(data)
        server.modemState = []
        let (received, sent, _) = settle(&client, &server, cut)
        #expect(sent == [.data(data)])
        #expect(received == [.data(data), .modemState([])])
    }

    @Test func `read any bytes alike, whole and in pieces`() {
        var random = SeededGenerator(2217)
        let common: [UInt8] = [iac, iac, iac, 250, 240, 240, 251, 252, 253, 254, 243, 44, 44, 0, 1, 3]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 1...60, using: &random)).map { _ -> UInt8 in
                switch Int.random(in: 0..<8, using: &random) {
                case 0..<4: common.randomElement(using: &random) ?? 0
                case 4: UInt8.random(in: 0...20, using: &random)
                case 5: UInt8.random(in: 100...112, using: &random)
                default: UInt8.random(in: 0...255, using: &random)
                }
            }
            var server = RFC2217Server()
            let inputs = server.receive(bytes)
            var client = RFC2217Client()
            let events = client.receive(bytes)
            // The longest answer is the signature's: 13 bytes to 6.
            #expect(server.output.count <= 15 + 3 * bytes.count)
            for cut in [InputCut.bytes, .random] {
                var other = RFC2217Server()
                let areAlike =
                    other.receive(bytes, cut: cut) == inputs && other.settings == server.settings
                    && other.output.elements == server.output.elements
                if !areAlike { Issue.record("server: \(bytes)") }
                var otherClient = RFC2217Client()
                let clientsAreAlike =
                    otherClient.receive(bytes, cut: cut) == events
                    && otherClient.output.elements == client.output.elements
                if !clientsAreAlike { Issue.record("client: \(bytes)") }
            }
        }
    }
}
