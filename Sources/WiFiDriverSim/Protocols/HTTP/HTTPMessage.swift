import WiFiSimValues

/// A method of HTTP (RFC 9110, section 9), in capitals.
package struct HTTPMethod: RawRepresentable, Hashable, Sendable {
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }

    package static let get = HTTPMethod(rawValue: "GET")
    package static let head = HTTPMethod(rawValue: "HEAD")
    package static let post = HTTPMethod(rawValue: "POST")
    package static let put = HTTPMethod(rawValue: "PUT")
    package static let delete = HTTPMethod(rawValue: "DELETE")
}

/// The head of a request. The body is beside it.
package struct HTTPRequest: Equatable, Sendable {
    package var method: HTTPMethod
    /// The path with its query.
    package var target: String
    package var fields: HTTPFields
    /// The digit after `HTTP/1.`.
    package var minorVersion = 1

    package init(_ method: HTTPMethod, target: String, fields: HTTPFields = HTTPFields()) {
        self.method = method
        self.target = target
        self.fields = fields
    }

    /// Makes a request with its fields in esp_http_client's order: User-Agent, Host, Content-Type, `fields`,
    /// Content-Length.
    /// - Parameters:
    ///   - method: the method.
    ///   - url: where it goes.
    ///   - userAgent: the value of User-Agent.
    ///   - contentType: the value of Content-Type; `nil` for none.
    ///   - fields: more fields. One that has the name of another takes its place.
    ///   - bodyLength: in bytes; `nil` sends no Content-Length.
    package init(
        _ method: HTTPMethod, _ url: URL, userAgent: String = "ESP32 HTTP Client/1.0", contentType: String? = nil,
        fields: [HTTPField] = [], bodyLength: Int? = nil
    ) {
        self.init(method, target: url.target, fields: ["User-Agent": userAgent, "Host": url.authority])
        if let contentType { self.fields.append(HTTPField("Content-Type", contentType)) }
        for field in fields { self.fields.set(field) }
        if let bodyLength { self.fields.set(HTTPField("Content-Length", "\(bodyLength)")) }
    }

    /// The path without the query.
    package var path: Substring { target.prefix { $0 != "?" } }

    /// Whether the client waits for `100 Continue` before it sends the body.
    package var expectsContinue: Bool { minorVersion > 0 && fields.list("Expect", has: "100-continue") }

    /// Whether the connection stays open after the response (RFC 9112, section 9.3).
    package var keepsConnection: Bool { fields.keepConnection(minorVersion) }

    /// The head as bytes.
    package var encoded: [UInt8] {
        Array("\(method.rawValue) \(target) HTTP/1.\(minorVersion)\r\n".utf8) + fields.encoded
    }

    init(requestLine line: [UInt8], fields: HTTPFields) throws(HTTPError) {
        let words = line.split(separator: 0x20, omittingEmptySubsequences: false)
        guard words.count == 3, !words[0].isEmpty, words[0].allSatisfy(\.isTokenByte), !words[1].isEmpty,
            words[1].allSatisfy({ $0 > 0x20 && $0 != 0x7F }), words[2].starts(with: "HTTP/".utf8)
        else { throw .noRequestLine }
        self.init(
            HTTPMethod(rawValue: String(decoding: words[0], as: UTF8.self)),
            target: String(decoding: words[1], as: UTF8.self), fields: fields)
        minorVersion = try HTTPVersion.minor(words[2])
    }
}

/// The head of a response. The body is beside it.
package struct HTTPResponse: Equatable, Sendable {
    /// Three digits.
    package var status: Int
    /// The text after the status. Has no meaning.
    package var reason: String
    package var fields: HTTPFields
    /// The digit after `HTTP/1.`.
    package var minorVersion = 1

    /// - Parameters:
    ///   - status: 100 to 999.
    ///   - reason: the text after the status; `nil` for the usual one.
    ///   - fields: the fields.
    package init(_ status: Int, reason: String? = nil, fields: HTTPFields = HTTPFields()) {
        self.status = status
        self.reason = reason ?? Self.reason(of: status)
        self.fields = fields
    }

    /// Whether the status is 200 to 299.
    package var isSuccess: Bool { 200...299 ~= status }

    /// Whether the connection stays open after the response, if its body has an end (RFC 9112, section 9.3).
    package var keepsConnection: Bool { fields.keepConnection(minorVersion) }

    /// The head as bytes.
    package var encoded: [UInt8] { Array("HTTP/1.\(minorVersion) \(status) \(reason)\r\n".utf8) + fields.encoded }

    init(statusLine line: [UInt8], fields: HTTPFields) throws(HTTPError) {
        let words = line.split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count > 1, words[0].starts(with: "HTTP/".utf8), words[1].count == 3,
            words[1].allSatisfy({ (0x30...0x39).contains($0) }), words[1].first != 0x30, !line.contains(0x0D),
            let status = Int(String(decoding: words[1], as: UTF8.self))
        else { throw .noStatusLine }
        self.init(
            status, reason: words.count > 2 ? String(decoding: words[2], as: UTF8.self) : "", fields: fields)
        minorVersion = try HTTPVersion.minor(words[0])
    }

    private static func reason(of status: Int) -> String {
        switch status {
        case 100: "Continue"
        case 101: "Switching Protocols"
        case 200: "OK"
        case 201: "Created"
        case 204: "No Content"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 413: "Content Too Large"
        case 426: "Upgrade Required"
        case 500: "Internal Server Error"
        case 503: "Service Unavailable"
        default: "Status \(status)"
        }
    }
}

enum HTTPVersion {
    /// The digit after `HTTP/1.`.
    static func minor(_ word: some Collection<UInt8>) throws(HTTPError) -> Int {
        let digits = word.dropFirst(5)
        guard word.count == 8, digits.starts(with: "1.".utf8), let digit = digits.dropFirst(2).first,
            (0x30...0x39).contains(digit)
        else { throw .unsupportedVersion }
        return Int(digit) - 0x30
    }
}

extension HTTPFields {
    fileprivate func keepConnection(_ minorVersion: Int) -> Bool {
        if list("Connection", has: "close") { return false }
        return minorVersion > 0 || list("Connection", has: "keep-alive")
    }
}
