import WiFiSimValues

/// Parses transcripts. Sans-IO: the whole text goes in, and a transcript or an error with its place comes out.
struct TranscriptParser {
    var transcript = Transcript()
    /// Placeholders that the module's lines have bound so far.
    private var bound: Set<Payload.Placeholder> = []
    var peers: Set<String> = []
    /// The unordered group that is being parsed, and its line number.
    var group: (items: [Transcript.Expectation], line: Int)?
    var isInHeader = true
    var headerKeys: Set<String> = []
    /// The sum of the times that the lines so far take or allow.
    private var length = Duration.zero
    /// In hours: the limit of `length`.
    private static let longest = 10_000

    typealias Failure = LineScanner.Failure

    /// Parses a transcript; `file` names it in errors.
    static func parse(_ text: [UInt8], file: String) throws(TranscriptError) -> Transcript {
        let result = text.withUnsafeBytes { bytes in
            Result { () throws(Failure) in
                var parser = TranscriptParser()
                try parser.readLines(bytes)
                return parser.transcript
            }
        }
        switch result {
        case .success(let transcript): return transcript
        case .failure(let failure):
            throw TranscriptError(file: file, line: failure.line, column: failure.column, reason: failure.reason)
        }
    }

    private mutating func readLines(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        var number = 0
        var start = 0
        while start < bytes.count {
            number += 1
            var end = start
            while end < bytes.count, bytes[end] != 0x0A { end += 1 }
            // Files from other systems may end their lines with CR LF.
            let contentEnd = end > start && bytes[end - 1] == 0x0D ? end - 1 : end
            if contentEnd > start, bytes[contentEnd - 1] == 0x20 || bytes[contentEnd - 1] == 0x09 {
                let scanner = LineScanner(bytes, start..<contentEnd, number: number)
                throw scanner.failure("a space ends the line; write \\x20 for one that is sent", at: contentEnd - 1)
            }
            var scanner = LineScanner(bytes, start..<contentEnd, number: number)
            if number == 1 { try readVersion(&scanner) } else { try readLine(&scanner) }
            start = end + 1
        }
        if number == 0 {
            throw Failure(line: 1, column: 1, reason: "the file is empty; its first line must be: transcript 1")
        }
        if let group { throw Failure(line: group.line, column: 1, reason: "this unordered group has no end") }
    }

    private func readVersion(_ scanner: inout LineScanner) throws(Failure) {
        guard scanner.skip("transcript ") else { throw scanner.failure("the first line must be: transcript 1") }
        let place = scanner.position
        guard scanner.takeRest() == "1" else {
            throw scanner.failure("this program reads version 1 of the format only", at: place)
        }
    }

    private mutating func readLine(_ scanner: inout LineScanner) throws(Failure) {
        scanner.skipIndentation()
        switch scanner.next {
        case nil: try add(.blank, scanner)
        case UInt8(ascii: "#"):
            _ = scanner.takeByte()
            try add(.comment(scanner.takeRest()), scanner)
        case UInt8(ascii: ">"):
            _ = scanner.takeByte()
            try scanner.takeSpace(before: "what the host sends")
            try add(.event(.host(readPayload(&scanner, isSent: true))), scanner)
        case UInt8(ascii: "<"):
            _ = scanner.takeByte()
            let expectation = try readExpectation(&scanner)
            if group == nil { try add(.event(.module(expectation)), scanner) } else { group?.items.append(expectation) }
        default:
            try readStatement(&scanner)
        }
    }

    mutating func add(_ content: Transcript.Content, _ scanner: LineScanner) throws(Failure) {
        if let group {
            throw Failure(
                line: scanner.number, column: 1,
                reason: "the unordered group of line \(group.line) holds lines of the module (<) only; end it first")
        }
        isInHeader = false
        transcript.lines.append(Transcript.Line(content, number: scanner.number))
    }

    /// Adds the time of this line to `length`.
    mutating func addTime(_ duration: Duration, _ scanner: LineScanner, at place: Int) throws(Failure) {
        length += duration
        guard length <= .seconds(3600 * Self.longest) else {
            throw scanner.failure("the transcript takes more than \(Self.longest) hours up to here", at: place)
        }
    }

    private mutating func readExpectation(_ scanner: inout LineScanner) throws(Failure) -> Transcript.Expectation {
        var window: Transcript.Window?
        if scanner.skip(UInt8(ascii: "[")) {
            let place = scanner.position
            var earliest, latest: Duration?
            if scanner.next != UInt8(ascii: ".") { earliest = try readWindowEnd(&scanner) }
            guard scanner.skip("..") else {
                throw scanner.failure("a time window is written as [1s..2s], [..2s] or [1s..]")
            }
            if scanner.next != UInt8(ascii: "]") { latest = try scanner.takeDuration(upTo: "]") }
            guard scanner.skip(UInt8(ascii: "]")), earliest != nil || latest != nil else {
                throw scanner.failure("a time window is written as [1s..2s], [..2s] or [1s..]", at: place)
            }
            if let earliest, let latest, earliest > latest {
                throw scanner.failure("the time window ends before it begins", at: place)
            }
            try addTime(latest ?? earliest ?? .zero, scanner, at: place)
            window = Transcript.Window(earliest: earliest, latest: latest)
        }
        try scanner.takeSpace(before: "what the module sends")
        return Transcript.Expectation(try readPayload(&scanner, isSent: false), window: window, number: scanner.number)
    }

    /// Parses a duration before `..`; the duration may itself contain a decimal point.
    private func readWindowEnd(_ scanner: inout LineScanner) throws(Failure) -> Duration {
        let place = scanner.position
        var text = ""
        while !scanner.isAtEnd {
            text += scanner.takeText(upTo: ".]")
            var ahead = scanner
            if ahead.skip("..") || ahead.next != UInt8(ascii: ".") { break }
            _ = scanner.takeByte()
            text += "."
        }
        guard let duration = Duration(text: text) else {
            throw scanner.failure("\"\(text)\" is not a duration such as 350ms, 2.5s or 10min", at: place)
        }
        return duration
    }

    // MARK: Payloads

    /// Parses the rest of the line. In a payload that is sent, placeholders must already be bound, and references must
    /// name a file.
    mutating func readPayload(_ scanner: inout LineScanner, isSent: Bool) throws(Failure) -> Payload {
        var pieces: [Payload.Piece] = []
        var bytes: [UInt8] = []
        var newlyBound: [Payload.Placeholder] = []
        func flush() {
            if !bytes.isEmpty { pieces.append(.bytes(bytes)) }
            bytes = []
        }
        while let byte = scanner.next {
            switch byte {
            case UInt8(ascii: "\\"):
                bytes.append(try scanner.takeEscape(and: "<{"))
            case UInt8(ascii: "<"):
                let place = scanner.position
                let placeholder = try readPlaceholder(&scanner)
                flush()
                if isSent {
                    guard bound.contains(placeholder) else {
                        throw scanner.failure(
                            "\(placeholder) stands for nothing yet; write \\< for a plain <", at: place)
                    }
                } else {
                    if case .placeholder = pieces.last {
                        throw scanner.failure(
                            "between two placeholders there must be something to tell them apart", at: place)
                    }
                    if scanner.isAtEnd {
                        throw scanner.failure("a placeholder must be followed by what ends it, as \\r\\n", at: place)
                    }
                    if placeholder.isBound { newlyBound.append(placeholder) }
                }
                pieces.append(.placeholder(placeholder))
            case UInt8(ascii: "{"):
                let place = scanner.position
                let reference = try readReference(&scanner)
                if isSent, reference.path == nil {
                    throw scanner.failure(
                        "what is sent must name the file that holds it: {COUNT sha256:DIGEST FILE}", at: place)
                }
                if case .placeholder(let placeholder) = pieces.last, bytes.isEmpty, placeholder.kind == .text {
                    throw scanner.failure("a text placeholder must be followed by the byte that ends it", at: place)
                }
                flush()
                pieces.append(.reference(reference))
            case 0..<0x20, 0x7F:
                throw scanner.failure("a control character must be written as \\t or \\xNN")
            default:
                bytes.append(byte)
                _ = scanner.takeByte()
            }
        }
        flush()
        if pieces.isEmpty { throw scanner.failure("there is nothing to send") }
        bound.formUnion(newlyBound)
        return Payload(pieces)
    }

    private func readPlaceholder(_ scanner: inout LineScanner) throws(Failure) -> Payload.Placeholder {
        let place = scanner.position
        _ = scanner.takeByte()
        let text = scanner.takeText(upTo: "> ")
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let kind = Payload.Placeholder.Kind(rawValue: parts[0]), scanner.skip(UInt8(ascii: ">")) else {
            let kinds = Payload.Placeholder.Kind.allCases.map { "<\($0.rawValue)>" }.joined(separator: " ")
            throw scanner.failure(
                "there is no such placeholder; there are \(kinds). Write \\< for a plain <", at: place)
        }
        if parts.count == 2, !parts[1].isTranscriptName {
            throw scanner.failure("a placeholder's name is made of letters, digits, - and _", at: place)
        }
        return Payload.Placeholder(kind, name: parts.count == 2 ? parts[1] : nil)
    }

    private func readReference(_ scanner: inout LineScanner) throws(Failure) -> Payload.Reference {
        let place = scanner.position
        _ = scanner.takeByte()
        let fields = scanner.takeText(upTo: "}").split(separator: " ", omittingEmptySubsequences: false).map(
            String.init)
        guard scanner.skip(UInt8(ascii: "}")), (2...3).contains(fields.count), let count = Int(fields[0]),
            (1...(1 << 30)).contains(count), fields[1].hasPrefix("sha256:")
        else {
            throw scanner.failure(
                "a reference is written as {COUNT sha256:DIGEST} or {COUNT sha256:DIGEST FILE}; write \\{ for a plain {",
                at: place)
        }
        let digest = String(fields[1].dropFirst(7))
        guard digest.utf8.count == 64, digest.utf8.allSatisfy({ "0123456789abcdef".utf8.contains($0) }) else {
            throw scanner.failure("a SHA-256 digest has 64 hexadecimal digits, in lower case", at: place)
        }
        let path = fields.count == 3 ? fields[2] : nil
        if let path, path.isEmpty || path.hasPrefix("/") || path.split(separator: "/").contains("..") {
            throw scanner.failure("a reference's file must be in the transcript's folder or below", at: place)
        }
        return Payload.Reference(count: count, sha256: digest, path: path)
    }
}

extension String {
    /// True if the string consists of letters, digits, `-` and `_`, and is not empty.
    var isTranscriptName: Bool {
        !isEmpty
            && utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}

extension Transcript {
    /// Parses a transcript.
    /// - Parameters:
    ///   - text: the content of an `.at` file.
    ///   - file: the name of the text in errors.
    /// - Throws: `TranscriptError` if the text is invalid.
    public init(parsing text: some Collection<UInt8>, file: String = "transcript") throws(TranscriptError) {
        self = try TranscriptParser.parse(Array(text), file: file)
    }

    /// Parses a transcript.
    /// - Parameters:
    ///   - text: the content of an `.at` file.
    ///   - file: the name of the text in errors.
    /// - Throws: `TranscriptError` if the text is invalid.
    public init(parsing text: String, file: String = "transcript") throws(TranscriptError) {
        self = try TranscriptParser.parse(Array(text.utf8), file: file)
    }
}
