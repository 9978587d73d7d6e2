// Feeds the fuzzer's inputs to the parsers of HTTP and to both ends of a connection, whole and in pieces. Nothing may
// crash, and the pieces must not matter to the parsers. Scripts/fuzz.sh builds and runs this together with the sources.

import WiFiSimValues

/// What a parser makes of the input.
private struct Found<Head: Equatable>: Equatable {
    var heads: [Head] = []
    var body: [UInt8] = []
    var ends: [HTTPFields] = []
    var error: HTTPError?
    var rest: [UInt8] = []
}

/// Calls `take` with pieces of the input.
private func cut(_ input: [UInt8], _ length: Int, _ take: (ArraySlice<UInt8>) throws(HTTPError) -> Void)
    throws(HTTPError)
{
    var rest = input[...]
    while !rest.isEmpty {
        let piece = rest.prefix(length)
        rest = rest[piece.endIndex...]
        try take(piece)
    }
}

private func readResponse(_ input: [UInt8], for method: HTTPMethod, pieces: Int) -> Found<HTTPResponse> {
    var limits = HTTPLimits()
    limits.line = 256
    limits.head = 1024
    var parser = HTTPResponseParser(for: method, limits: limits)
    var found = Found<HTTPResponse>()
    func take(_ event: HTTPResponseParser.Event) {
        switch event {
        case .head(let head): found.heads.append(head)
        case .body(let bytes): found.body += bytes
        case .end(let trailers): found.ends.append(trailers)
        }
    }
    do throws(HTTPError) {
        try cut(input, pieces) { piece throws(HTTPError) in
            var rest = piece
            while let event = try parser.next(from: &rest) { take(event) }
            found.rest += rest
        }
        while let event = try parser.close() { take(event) }
    } catch {
        found.error = error
    }
    return found
}

private func readRequests(_ input: [UInt8], pieces: Int) -> Found<HTTPRequest> {
    var parser = HTTPRequestParser()
    var found = Found<HTTPRequest>()
    do throws(HTTPError) {
        try cut(input, pieces) { piece throws(HTTPError) in
            var rest = piece
            while let event = try parser.next(from: &rest) {
                switch event {
                case .head(let head): found.heads.append(head)
                case .body(let bytes): found.body += bytes
                case .end(let trailers): found.ends.append(trailers)
                }
            }
        }
    } catch {
        found.error = error
    }
    return found
}

/// A client that follows redirections, and a server that sends back what it gets.
private func talk(_ input: [UInt8], pieces: Int) {
    let url = URL(.http, .name("h"))
    var options = HTTPExchange.Options()
    options.redirectionLimit = 3
    var exchange = HTTPExchange(HTTPRequest(.get, url), to: url, options: options, at: .zero)
    var server = HTTPServer(HTTPServerScript(["/": HTTPReply(body: .echo)]))
    var rest = input[...]
    while !rest.isEmpty {
        let piece = Array(rest.prefix(pieces))
        rest = rest.dropFirst(pieces)
        exchange.connected(at: .zero)
        _ = exchange.receive(piece, at: .zero)
        _ = exchange.takeOutput(at: .zero)
        server.receive(piece, at: .zero)
        _ = server.takeOutput(at: .zero)
    }
    _ = exchange.connectionClosed(at: .zero)
    _ = exchange.advance(to: .zero + .seconds(5))
    precondition(exchange.isFinished, "the exchange has no end")
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHTTP(_ data: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    // The first byte selects the size of the pieces, and the method.
    guard count > 1 else { return 0 }
    let pieces = Int(data[0] >> 1) + 1
    let method = data[0] & 1 == 0 ? HTTPMethod.get : .head
    let input = Array(UnsafeBufferPointer(start: data + 1, count: count - 1))
    let whole = readResponse(input, for: method, pieces: input.count)
    precondition(whole == readResponse(input, for: method, pieces: pieces), "the pieces matter")
    precondition(readRequests(input, pieces: input.count) == readRequests(input, pieces: pieces), "the pieces matter")
    talk(input, pieces: pieces)
    // A URL that was read is written as one that reads the same.
    let text = String(decoding: input, as: UTF8.self)
    if let url = try? URL(text) { precondition((try? URL(url.description)) == url, "the URL changes") }
    _ = try? URL(.http, .name("h"), target: "/a/b").resolving(text)
    return 0
}
