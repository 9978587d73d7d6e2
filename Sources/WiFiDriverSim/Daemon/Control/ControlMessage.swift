import FoundationEssentials
import WiFiSimModule

/// The messages of the control socket. A request is a JSON object on one line, and so is its answer.
enum ControlMessage {
    struct Request: Codable {
        /// The command in words.
        let `do`: String
    }

    /// Parses a request.
    /// - Throws: `ControlError` with what is wrong with the request.
    static func command(from line: [UInt8]) throws(ControlError) -> ControlCommand {
        let request: Request
        do {
            request = try JSONDecoder().decode(Request.self, from: Data(line))
        } catch {
            throw ControlError("a request is a JSON object such as {\"do\": \"ap wifisim off\"}")
        }
        do throws(WordError) {
            return try ControlCommand(try Words(parsing: request.do))
        } catch {
            throw ControlError("\"\(request.do)\", at \(error.position + 1): \(error.reason)")
        }
    }

    /// The reason if `answer` is a refusal; `nil` otherwise.
    static func refusal(in answer: [UInt8]) -> String? {
        failure(in: answer)?.error
    }

    /// True if the request was refused because there are too many clients.
    static func isBusy(_ answer: [UInt8]) -> Bool { failure(in: answer)?.busy ?? false }

    /// True if `line` is a JSON object, as every answer is.
    static func isAnswer(_ line: [UInt8]) -> Bool {
        (try? JSONDecoder().decode(JSONObject.self, from: Data(line))) != nil
    }

    private static func failure(in answer: [UInt8]) -> Failure? {
        try? JSONDecoder().decode(Failure.self, from: Data(answer))
    }

    private struct JSONObject: Decodable {
        private enum CodingKeys: CodingKey {}
        init(from decoder: any Decoder) throws { _ = try decoder.container(keyedBy: CodingKeys.self) }
    }

    private struct Failure: Codable {
        let error: String
        var busy: Bool?
    }
    private struct Success: Encodable { let ok = true }

    static let done = line(Success())
    static func failed(_ reason: String) -> [UInt8] { line(Failure(error: reason)) }
    static func busy(_ reason: String) -> [UInt8] { line(Failure(error: reason, busy: true)) }

    static func line(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Encoding cannot fail: the values are text, numbers, and lists of them.
        let data = (try? encoder.encode(value)) ?? Data()
        return Array(data) + [UInt8(ascii: "\n")]
    }
}

/// A request that cannot be carried out.
struct ControlError: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}
