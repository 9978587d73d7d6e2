import Testing
@testable import WiFiSimDriverCore
@testable import WiFiSimValues

private func state(_ exchange: CommandExchange, after messages: ModuleMessage...) -> CommandExchange.State {
    var exchange = exchange
    for message in messages { exchange.receive(message) }
    return exchange.state
}

@Suite struct `A command and its reply` {
    private let text = ModuleMessage.text(Array("+CIPSTA:ip:\"10.0.2.15\"".utf8))
    private let push = ModuleMessage.payload(PayloadHeader(origin: .pushed(link: 0), count: 5))

    @Test func `end with OK, ERROR or a restart`() {
        #expect(state(CommandExchange(), after: .ok) == .ended(.done))
        #expect(state(CommandExchange(), after: .error) == .ended(.refused))
        #expect(state(CommandExchange(), after: .ready) == .ended(.moduleReset))
        #expect(state(CommandExchange(expectsReset: true), after: .ok, .ready) == .ended(.done))
    }

    @Test func `are not disturbed by reports`() {
        let reports: [ModuleMessage] = [
            .linkClosed(link: 1), .dataWaiting(link: 0), push, .gotAddress, .leftNetwork, .linkOpened(link: 2, nil),
            .sendOK, .prompt,
        ]
        for report in reports {
            #expect(state(CommandExchange(), after: report) == .awaitingReply)
            #expect(state(CommandExchange(), after: report, .ok) == .ended(.done))
        }
    }

    @Test func `are not ended by an OK that comes before what it confirms`() {
        var exchange = CommandExchange(expecting: .information("+CIPSTA"))
        exchange.receive(.ok)
        #expect(exchange.outcome == nil)
        exchange.receive(text)
        exchange.receive(.ok)
        #expect(exchange.outcome == .done)
    }

    @Test func `end with an early OK if nothing better follows`() {
        var exchange = CommandExchange(expecting: .linkOpened(3))
        exchange.receive(.ok)
        exchange.settle()
        #expect(exchange.outcome == .done)
    }

    @Test func `are not confirmed by a link that a peer opened`() throws {
        let peer = Endpoint(try #require(IPAddress("10.0.2.2")), 1)
        let incoming = LinkDetails(isUDP: false, isIncoming: true, peer: peer, localPort: 80)
        #expect(
            state(CommandExchange(expecting: .linkOpened(3)), after: .linkOpened(link: 3, incoming), .error)
                == .ended(.refused))
    }

    @Test func `send bytes after the prompt, with reports in between and an additional OK`() {
        var exchange = CommandExchange(prompt: true)
        exchange.receive(.ok)
        exchange.receive(.ok)
        exchange.receive(push)
        #expect(exchange.state == .awaitingPrompt)
        exchange.receive(.prompt)
        #expect(exchange.state == .prompted)
        exchange.bytesFollow()
        exchange.receive(push)
        exchange.receive(.text(Array("Recv 5 bytes".utf8)))
        exchange.receive(.ok)
        #expect(exchange.state == .awaitingDelivery)
        exchange.receive(.sendOK)
        #expect(exchange.outcome == .done)
    }

    @Test func `may be refused before the prompt or fail after it`() {
        #expect(state(CommandExchange(prompt: true), after: .ok, .error) == .ended(.refused))
        var exchange = CommandExchange(prompt: true)
        exchange.receive(.prompt)
        exchange.bytesFollow()
        exchange.receive(.sendFailed)
        #expect(exchange.outcome == .notDelivered)
    }

    @Test func `are repeated when the module was busy, and ignore the final line of an earlier command`() {
        #expect(state(CommandExchange(), after: .busy) == .notTaken)
        #expect(state(CommandExchange(), after: .busy, .ok) == .notTaken)
        #expect(state(CommandExchange(prompt: true), after: .busy, .error) == .notTaken)
    }

    @Test func `are not repeated when the prompt comes although the module said busy`() {
        #expect(state(CommandExchange(prompt: true), after: .busy, .prompt) == .prompted)
        #expect(state(CommandExchange(), after: .busy, .prompt) == .notTaken)
    }

    @Test func `stay ended`() {
        #expect(state(CommandExchange(), after: .ok, .error, .ready) == .ended(.done))
    }
}
