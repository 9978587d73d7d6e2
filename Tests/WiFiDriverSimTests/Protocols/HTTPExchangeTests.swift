import Testing
@testable import WiFiSimProtocols
@testable import WiFiSimValues

/// A client and its servers in virtual time. Bytes take no time on their way.
private struct Network {
    var exchange: HTTPExchange
    let servers: [String: HTTPServerScript]
    private var server: HTTPServer?
    private(set) var now = Instant.zero
    private(set) var requests: [HTTPServer.Received] = []
    private(set) var events: [HTTPExchange.Event] = []
    /// The number of connections.
    private(set) var connections = 0
    /// In bytes, at most so many at once.
    var block = Int.max

    init(
        _ request: HTTPRequest, body: [UInt8] = [], to url: URL, options: HTTPExchange.Options = .init(),
        servers: [String: HTTPServerScript]
    ) {
        exchange = HTTPExchange(request, body: body, to: url, options: options, at: .zero)
        self.servers = servers
    }

    /// Runs until the exchange is over.
    mutating func run() {
        while !exchange.isFinished {
            if server == nil, let script = servers[exchange.url.authority] {
                server = HTTPServer(script)
                connections += 1
                exchange.connected(at: now)
            }
            if moveBytes() { continue }
            guard let due = Instant?.earlier(exchange.deadline, server?.deadline) else { return }
            now = max(now, due)
            server?.advance(to: now)
            take(exchange.advance(to: now))
        }
    }

    /// Moves a block in each direction. Returns whether anything has happened.
    private mutating func moveBytes() -> Bool {
        guard var server else { return false }
        let sent = exchange.takeOutput(block, at: now)
        server.receive(sent, at: now)
        let received = server.takeOutput(block, at: now)
        requests += server.takeRequests()
        self.server = server
        if !received.isEmpty { take(exchange.receive(received, at: now)) }
        if server.isFinished, self.server != nil, !exchange.isFinished {
            self.server = nil
            take(exchange.connectionClosed(at: now))
            return true
        }
        return !sent.isEmpty || !received.isEmpty
    }

    private mutating func take(_ new: [HTTPExchange.Event]) {
        for event in new {
            if case .redirected(_, reusesConnection: false) = event { server = nil }
            if case .body(let more) = event, case .body(let bytes) = events.last {
                events[events.count - 1] = .body(bytes + more)
            } else {
                events.append(event)
            }
        }
    }

    var body: [UInt8] {
        events.reduce(into: []) { all, event in if case .body(let bytes) = event { all += bytes } }
    }
    var status: Int? {
        for case .head(let head) in events { return head.status }
        return nil
    }
}

private func get(
    _ target: String = "/", _ reply: HTTPReply, method: HTTPMethod = .get, body: [UInt8]? = nil, block: Int = .max,
    redirections: Int = 0, more: [String: HTTPReply] = [:]
) -> Network {
    let url = URL(.http, .name("h"), target: target)
    var options = HTTPExchange.Options()
    options.redirectionLimit = redirections
    var network = Network(
        HTTPRequest(method, url, bodyLength: body?.count), body: body ?? [], to: url, options: options,
        servers: ["h": HTTPServerScript(more.merging([target: reply]) { $1 })])
    network.block = block
    network.run()
    return network
}

@Suite struct `An HTTP exchange` {
    @Test(arguments: [1, 7, .max])
    func `gets a body in each coding`(block: Int) {
        let body = (0..<500).map { UInt8(truncatingIfNeeded: $0 * 7) }
        for coding in [HTTPReply.Coding.length, .chunked(64), .untilClose] {
            var reply = HTTPReply(body: .bytes(body))
            reply.coding = coding
            let network = get("/a?b", reply, block: block)
            #expect(network.body == body)
            #expect(network.events.last == .finished(keepsConnection: coding != .untilClose))
            #expect(network.requests.map(\.head.target) == ["/a?b"])
        }
    }

    @Test(arguments: [1, 512, .max])
    func `posts a body`(block: Int) {
        let body = (0..<2000).map { UInt8(truncatingIfNeeded: $0) }
        let network = get("/", HTTPReply(body: .echo), method: .post, body: body, block: block)
        #expect(network.body == body)
        #expect(network.requests.map(\.body) == [body])
        #expect(network.requests.first?.head.fields["Content-Length"] == "2000")
    }

    @Test func `gets the head alone with HEAD, and the page of an error`() {
        let head = get("/", HTTPReply(text: "hello"), method: .head)
        guard case .head(let response) = head.events.first else {
            Issue.record("no head")
            return
        }
        #expect(response.fields["Content-Length"] == "5")
        #expect(head.events.dropFirst() == [.finished(keepsConnection: true)])
        let missing = get("/", HTTPReply(404, text: "not here"))
        #expect(missing.status == 404 && missing.body == Array("not here".utf8))
    }

    @Test func `takes a redirection for the result, unless it may follow`() {
        let network = get("/", .redirection(301, to: "/b"))
        #expect(network.status == 301)
        #expect(network.connections == 1)
    }

    @Test(arguments: [(301, "POST"), (302, "POST"), (303, "GET"), (307, "POST"), (308, "POST")])
    func `follows a redirection on the same connection`(status: Int, method: String) {
        let network = get(
            "/a", .redirection(status, to: "b?c"), method: .post, body: [1, 2], redirections: 10,
            more: ["/b": HTTPReply(text: "there")])
        #expect(network.status == 200)
        #expect(network.connections == 1)
        #expect(network.requests.map(\.head.method.rawValue) == ["POST", method])
        #expect(network.requests.map(\.head.target) == ["/a", "/b?c"])
        #expect(network.requests.last?.body == (method == "GET" ? [] : [1, 2]))
        #expect(network.requests.last?.head.fields["Content-Length"] == (method == "GET" ? nil : "2"))
    }

    @Test func `follows a redirection to another server`() throws {
        let url = try URL("http://h/a")
        var options = HTTPExchange.Options()
        options.redirectionLimit = 1
        var network = Network(
            HTTPRequest(.get, url), to: url, options: options,
            servers: [
                "h": .init(["/a": .redirection(to: "https://[::1]:8443/b")]),
                "[::1]:8443": .init(["/b": .init(text: "x")]),
            ])
        network.run()
        #expect(network.body == [0x78])
        #expect(network.connections == 2)
        #expect(network.requests.last?.head.fields["Host"] == "[::1]:8443")
    }

    @Test func `gives up after as many redirections as it may follow`() {
        let network = get("/", .redirection(to: "/"), redirections: 10)
        #expect(network.requests.count == 11)
        #expect(network.events.last == .failed(.tooManyRedirections))
        let bad = get("/", .redirection(to: "ftp://h"), redirections: 10)
        #expect(bad.events == [.failed(.badRedirection(URLError(.unknownScheme, at: 0)))])
        let without = get("/", HTTPReply(302, text: "x"), redirections: 10)
        #expect(without.status == 302, "without Location it is the result")
    }

    @Test func `waits for a silent server as long as its time-out`() {
        var reply = HTTPReply(text: "late")
        reply.delay = .milliseconds(4999)
        #expect(get("/", reply).body == Array("late".utf8))
        reply.delay = .milliseconds(5001)
        let network = get("/", reply)
        #expect(network.events == [.failed(.timedOut)])
        #expect(network.now == .zero + .seconds(5))
        reply.misbehaviour = .silent
        #expect(get("/", reply).events == [.failed(.timedOut)])
    }

    @Test func `accepts a byte a second, because the time-out is for silence`() {
        var reply = HTTPReply(text: "hello")
        reply.misbehaviour = .trickles(.seconds(1))
        let network = get("/", reply)
        #expect(network.body == Array("hello".utf8))
        #expect(network.now > .zero + .seconds(40))
        reply.misbehaviour = .trickles(.seconds(6))
        #expect(get("/", reply).events == [.failed(.timedOut)])
    }

    @Test func `does not blame the server while it is paused`() {
        let url = URL(.http, .name("h"))
        var exchange = HTTPExchange(HTTPRequest(.get, url), to: url, at: .zero)
        exchange.connected(at: .zero)
        exchange.pause()
        #expect(exchange.deadline == nil)
        #expect(exchange.advance(to: .zero + .seconds(100)).isEmpty)
        exchange.resume(at: .zero + .seconds(100))
        #expect(exchange.deadline == .zero + .seconds(105))
    }

    @Test func `fails without a connection`() {
        let url = URL(.http, .name("h"))
        var exchange = HTTPExchange(HTTPRequest(.get, url), to: url, at: .zero)
        #expect(exchange.deadline == .zero + .seconds(5))
        #expect(exchange.advance(to: .zero + .seconds(5)) == [.failed(.notConnected)])
        #expect(exchange.deadline == nil && exchange.isFinished)
        exchange = HTTPExchange(HTTPRequest(.get, url), to: url, at: .zero)
        #expect(exchange.connectionClosed(at: .zero) == [.failed(.notConnected)])
        #expect(exchange.connectionClosed(at: .zero).isEmpty)
        #expect(exchange.receive([1], at: .zero).isEmpty)
    }

    @Test func `tells what a connection that ends has left out`() {
        var reply = HTTPReply(text: "hello, world")
        let whole = get("/", reply)
        let headLength = EncodedReply(reply, to: HTTPRequest(.get, target: "/"), body: []).bytes.count - 12
        reply.misbehaviour = .cutsOff(after: 0)
        #expect(get("/", reply).events == [.failed(.closed)])
        reply.misbehaviour = .cutsOff(after: 20)
        #expect(get("/", reply).events == [.failed(.closed)])
        // The head says that the connection closes, too.
        reply.misbehaviour = .cutsOff(after: headLength + "Connection: close\r\n".utf8.count + 5)
        let cut = get("/", reply)
        #expect(cut.body == Array("hello".utf8))
        #expect(cut.events.last == .failed(.incomplete(missing: 7)))
        reply.misbehaviour = .claimsLength(20)
        #expect(get("/", reply).events.last == .failed(.incomplete(missing: 8)))
        reply.misbehaviour = .claimsLength(5)
        let short = get("/", reply)
        #expect(short.body == Array("hello".utf8))
        #expect(short.events.last == .finished(keepsConnection: false))
        reply.misbehaviour = .sends(Array("220 smtp.example.org\r\n".utf8))
        #expect(get("/", reply).events == [.failed(.invalid(.noStatusLine))])
        #expect(whole.body == Array("hello, world".utf8))
    }

    @Test func `takes the answer of a server that does not read the body`() {
        var reply = HTTPReply(401, text: "who are you?")
        reply.answersBeforeBody = true
        let network = get("/", reply, method: .post, body: [UInt8](repeating: 0, count: 100_000), block: 100)
        #expect(network.status == 401)
        #expect(network.body == Array("who are you?".utf8))
        #expect(network.events.last == .finished(keepsConnection: false))
        #expect(!network.exchange.hasOutput)
    }

    @Test func `does not keep a connection with bytes after the response`() {
        let url = URL(.http, .name("h"))
        var exchange = HTTPExchange(HTTPRequest(.get, url), to: url, at: .zero)
        exchange.connected(at: .zero)
        _ = exchange.takeOutput(at: .zero)
        let events = exchange.receive(Array("HTTP/1.1 204 x\r\n\r\nmore".utf8), at: .zero)
        #expect(events.last == .finished(keepsConnection: false))
    }
}

@Suite struct `The HTTP server of the world` {
    private func server(_ script: HTTPServerScript = .init(["/": .init(text: "x")]), gets text: String) -> (
        HTTPServer, String
    ) {
        var server = HTTPServer(script)
        server.receive(Array(text.utf8), at: .zero)
        var output = ""
        while server.hasOutput { output += String(decoding: server.takeOutput(at: .zero), as: UTF8.self) }
        return (server, output)
    }

    @Test func `answers pipelined requests in order`() {
        let request = "GET /%@ HTTP/1.1\r\nHost: h\r\n\r\n"
        var script = HTTPServerScript()
        for name in ["a", "b", "c"] { script.replies["/\(name)"] = HTTPReply(text: name) }
        let text = ["a", "b", "c"].map { request.replacing("%@", with: $0) }.joined()
        var (server, output) = server(script, gets: text)
        #expect(output.split(separator: "\r\n\r\n").compactMap(\.first) == ["H", "a", "b", "c"])
        #expect(server.takeRequests().map(\.head.target) == ["/a", "/b", "/c"])
        #expect(!server.isFinished)
    }

    @Test func `asks for the body that a client holds back`() {
        let head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        #expect(server(gets: head).1 == "HTTP/1.1 100 Continue\r\n\r\n")
        #expect(server(gets: head + "ab").1.hasSuffix("\r\n\r\nx"))
    }

    @Test func `refuses what is no request, too much of it, and a body that is too long`() {
        for (text, status) in [
            ("nonsense\r\n", 400), ("GET / HTTP/1.1\r\n\r\n", 400),
            (
                "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n\r\n"
                    + String(repeating: "x", count: 1_100_000), 413
            ),
            (String(repeating: "GET / HTTP/1.1\r\nHost: h\r\n\r\n", count: 10_000), 400),
        ] {
            let (server, output) = server(gets: text)
            #expect(output.contains("HTTP/1.1 \(status) "))
            #expect(server.isFinished)
        }
    }

    @Test func `closes after the reply when the client says so, or speaks HTTP 1 0`() {
        #expect(server(gets: "GET / HTTP/1.0\r\n\r\n").0.isFinished)
        #expect(server(gets: "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").0.isFinished)
        #expect(!server(gets: "GET / HTTP/1.1\r\nHost: h\r\n\r\n").0.isFinished)
        #expect(server(gets: "GET /x HTTP/1.1\r\nHost: h\r\n\r\n").1.hasPrefix("HTTP/1.1 404 Not Found\r\n"))
    }
}
