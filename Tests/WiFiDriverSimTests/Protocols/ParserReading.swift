@testable import WiFiSimProtocols
@testable import WiFiSimValues

/// What a parser makes of an input, with the pieces of each body put together.
struct Parsed<Head: Equatable, Failure: Error & Equatable>: Equatable {
    struct Message: Equatable {
        var head: Head
        var body: [UInt8] = []
        var trailers: HTTPFields?
    }
    var messages: [Message] = []
    var error: Failure?
    /// What the parser has left.
    var rest: [UInt8] = []

    /// Whether all messages have their end.
    var isComplete: Bool { messages.allSatisfy { $0.trailers != nil } }
    var body: String { String(decoding: messages.flatMap(\.body), as: UTF8.self) }
}

/// Reads one response.
func parseResponse(
    _ input: [[UInt8]], for method: HTTPMethod = .get, limits: HTTPLimits = HTTPLimits(), closes: Bool = false
) -> Parsed<HTTPResponse, HTTPError> {
    var parser = HTTPResponseParser(for: method, limits: limits)
    var parsed = Parsed<HTTPResponse, HTTPError>()
    func take(_ event: HTTPResponseParser.Event) {
        switch event {
        case .head(let head): parsed.messages.append(.init(head: head))
        case .body(let bytes): parsed.messages[parsed.messages.count - 1].body += bytes
        case .end(let trailers): parsed.messages[parsed.messages.count - 1].trailers = trailers
        }
    }
    do throws(HTTPError) {
        for block in input {
            var rest = parsed.rest + block
            parsed.rest = []
            var slice = rest[...]
            while let event = try parser.next(from: &slice) { take(event) }
            rest = Array(slice)
            parsed.rest = rest
        }
        while closes, let event = try parser.close() { take(event) }
    } catch {
        parsed.error = error
        parsed.rest = []
    }
    return parsed
}

func parseResponse(
    _ text: String, for method: HTTPMethod = .get, cut: InputCut = .whole, closes: Bool = false
) -> Parsed<HTTPResponse, HTTPError> {
    parseResponse(cut.blocks(of: Array(text.utf8)), for: method, closes: closes)
}

/// Reads all requests of a connection.
func parseRequests(_ input: [[UInt8]]) -> Parsed<HTTPRequest, HTTPError> {
    var parser = HTTPRequestParser()
    var parsed = Parsed<HTTPRequest, HTTPError>()
    do throws(HTTPError) {
        for block in input {
            var rest = block[...]
            while let event = try parser.next(from: &rest) {
                switch event {
                case .head(let head): parsed.messages.append(.init(head: head))
                case .body(let bytes): parsed.messages[parsed.messages.count - 1].body += bytes
                case .end(let trailers): parsed.messages[parsed.messages.count - 1].trailers = trailers
                }
            }
        }
    } catch {
        parsed.error = error
    }
    return parsed
}

func parseRequests(_ text: String, cut: InputCut = .whole) -> Parsed<HTTPRequest, HTTPError> {
    parseRequests(cut.blocks(of: Array(text.utf8)))
}

/// What a decoder makes of an input, with the pieces of each frame put together.
func decodeFrames(
    _ input: [[UInt8]], isMasked: Bool = false, longestMessage: Int = .max
) -> (events: [WebSocketDecoder.Event], error: WebSocketError?) {
    var decoder = WebSocketDecoder(isMasked: isMasked, longestMessage: longestMessage)
    var events: [WebSocketDecoder.Event] = []
    do throws(WebSocketError) {
        for block in input {
            var rest = block[...]
            while let event = try decoder.next(from: &rest) {
                if case .payload(let new) = event, case .payload(let old) = events.last {
                    events[events.count - 1] = .payload(old + new)
                } else {
                    events.append(event)
                }
            }
        }
    } catch {
        return (events, error)
    }
    return (events, nil)
}
