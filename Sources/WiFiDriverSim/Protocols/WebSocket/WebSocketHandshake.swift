import WiFiSimValues

/// The value of Sec-WebSocket-Key: 16 random bytes (RFC 6455, section 4.1).
package struct WebSocketKey: Equatable, Sendable {
    package let text: String

    package init(using random: inout some RandomNumberGenerator) {
        text = Base64.encode((0..<16).map { _ in UInt8.random(in: 0...255, using: &random) })
    }

    /// `nil` unless the text is 16 bytes in Base64.
    package init?(_ text: String) {
        guard Base64.decode(text)?.count == 16 else { return nil }
        self.text = text
    }

    /// The value of Sec-WebSocket-Accept that answers the key (RFC 6455, section 4.2.2).
    package var accept: String {
        Base64.encode(SHA1.digest(of: Array((text + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)))
    }
}

/// The handshake of WebSocket: an HTTP request and its response (RFC 6455, section 4).
package enum WebSocketHandshake {
    /// The request of a client, with the fields in the order of esp_websocket_client.
    /// - Parameters:
    ///   - url: with scheme ws or wss.
    ///   - key: the key.
    ///   - userAgent: the value of User-Agent.
    ///   - subprotocol: the value of Sec-WebSocket-Protocol, one name or several with commas; `nil` for none.
    ///   - fields: more fields.
    /// - Returns: the head of the request, which has no body.
    package static func request(
        _ url: URL, key: WebSocketKey, userAgent: String = "ESP32 Websocket Client", subprotocol: String? = nil,
        fields: [HTTPField] = []
    ) -> HTTPRequest {
        var request = HTTPRequest(
            .get, target: url.target,
            fields: [
                "Connection": "Upgrade", "Host": url.authority, "User-Agent": userAgent, "Upgrade": "websocket",
                "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key.text,
            ])
        if let subprotocol { request.fields.append(HTTPField("Sec-WebSocket-Protocol", subprotocol)) }
        for field in fields { request.fields.append(field) }
        return request
    }

    /// Checks the response of a server.
    /// - Returns: the subprotocol that the server has chosen; `nil` for none.
    package static func check(
        _ response: HTTPResponse, to request: HTTPRequest, key: WebSocketKey
    ) throws(WebSocketHandshakeError) -> String? {
        guard response.status == 101 else { throw .refused(status: response.status) }
        guard response.fields.list("Upgrade", has: "websocket"), response.fields.list("Connection", has: "upgrade")
        else { throw .noUpgrade }
        guard let accept = response.fields["Sec-WebSocket-Accept"] else { throw .noAccept }
        guard accept == key.accept else { throw .wrongAccept }
        guard response.fields["Sec-WebSocket-Extensions"] == nil else { throw .unknownExtension }
        guard let subprotocol = response.fields["Sec-WebSocket-Protocol"] else { return nil }
        guard request.fields.list("Sec-WebSocket-Protocol").contains(subprotocol) else {
            throw .unknownSubprotocol(subprotocol)
        }
        return subprotocol
    }

    /// Checks the request of a client.
    /// - Returns: its key and the subprotocols that it offers.
    package static func read(
        _ request: HTTPRequest
    ) throws(WebSocketHandshakeError) -> (key: WebSocketKey, subprotocols: [String]) {
        guard request.method == .get, request.minorVersion > 0, request.fields.list("Upgrade", has: "websocket"),
            request.fields.list("Connection", has: "upgrade")
        else { throw .noUpgrade }
        guard request.fields["Sec-WebSocket-Version"] == "13" else { throw .wrongVersion }
        guard let key = request.fields["Sec-WebSocket-Key"].flatMap(WebSocketKey.init) else { throw .badKey }
        return (key, request.fields.list("Sec-WebSocket-Protocol"))
    }

    /// The response of a server that accepts the request.
    package static func response(
        to key: WebSocketKey, subprotocol: String? = nil, fields: [HTTPField] = []
    ) -> HTTPResponse {
        var response = HTTPResponse(
            101, fields: ["Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": key.accept])
        if let subprotocol { response.fields.append(HTTPField("Sec-WebSocket-Protocol", subprotocol)) }
        for field in fields { response.fields.append(field) }
        return response
    }
}

/// Why a handshake fails.
package enum WebSocketHandshakeError: Error, Equatable, Sendable {
    /// The server answers with another status than 101.
    case refused(status: Int)
    /// Upgrade or Connection is missing, or the request is no GET of HTTP/1.1.
    case noUpgrade
    /// Sec-WebSocket-Version is not 13.
    case wrongVersion
    /// Sec-WebSocket-Key is not 16 bytes in Base64.
    case badKey
    /// Sec-WebSocket-Accept is missing.
    case noAccept
    /// Sec-WebSocket-Accept does not belong to the key.
    case wrongAccept
    /// The server has chosen an extension; the client offers none.
    case unknownExtension
    /// The server has chosen a subprotocol that the client does not offer.
    case unknownSubprotocol(String)

    /// The status with which a server answers.
    package var status: Int { self == .wrongVersion ? 426 : 400 }
}
