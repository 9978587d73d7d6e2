import Glibc
import Testing
@testable import WiFiSimDriverCore
@testable import WiFiSimValues

/// The messages that a parser found, with the payload of each header joined.
struct FoundMessages: ResponseHandler, Equatable {
    enum Item: Equatable {
        case message(ModuleMessage)
        case payload([UInt8])
    }

    var items: [Item] = []

    mutating func message(_ message: ModuleMessage) { items.append(.message(message)) }

    mutating func payload(_ bytes: UnsafeRawBufferPointer) {
        if case .payload(let before) = items.last {
            items[items.count - 1] = .payload(before + bytes)
        } else {
            items.append(.payload(Array(bytes)))
        }
    }

    var messages: [ModuleMessage] {
        items.compactMap { if case .message(let message) = $0 { message } else { nil } }
    }

    var payloads: [[UInt8]] { items.compactMap { if case .payload(let bytes) = $0 { bytes } else { nil } } }
}

/// How a test splits its input.
enum Cut: CaseIterable {
    case whole, bytes, random
}

func parse(
    _ text: [UInt8], cut: Cut = .whole, readsShowSource: Bool = false, maximumRead: Int = 65536, seed: UInt64 = 1
) -> FoundMessages {
    var parser = ResponseParser()
    parser.readsShowSource = readsShowSource
    parser.maximumRead = maximumRead
    var found = FoundMessages()
    var random = SplitMix(seed: seed)
    var rest = text[...]
    while !rest.isEmpty {
        let length =
            switch cut {
            case .whole: rest.count
            case .bytes: 1
            case .random: Int.random(in: 1...min(rest.count, 40), using: &random)
            }
        Array(rest.prefix(length)).withUnsafeBytes { parser.parse($0, into: &found) }
        rest = rest.dropFirst(length)
    }
    return found
}

func parse(_ text: String, cut: Cut = .whole, readsShowSource: Bool = false) -> FoundMessages {
    parse(Array(text.utf8), cut: cut, readsShowSource: readsShowSource)
}

/// A small generator whose sequence depends on its seed.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

/// Payloads that look like messages.
let treacherousPayloads: [[UInt8]] = [
    Array("\r\nOK\r\n".utf8), Array("+IPD,0,5:".utf8), [0], Array("+++".utf8), Array("\r\n\r\nERROR\r\n".utf8),
    Array("> ".utf8), Array("SEND OK\r\n".utf8), Array("0,CLOSED\r\n".utf8), Array("ready\r\n".utf8),
    Array("\"1.2.3.4\",5,".utf8), Array("\r\n+CIPRECVDATA:3,abc".utf8), Array(0...255), Array("busy p...\r\n".utf8),
]

@Suite struct `The response parser` {
    @Test(arguments: Cut.allCases)
    func `knows the final lines and the reports of both dialects`(cut: Cut) throws {
        let found = parse(
            "\r\nOK\r\n\r\nERROR\r\nFAIL\r\nSEND OK\r\n\r\nSEND FAIL\r\nbusy p...\r\nbusy s...\r\n\r\nready\r\n"
                + "0,CONNECT\r\n3,CLOSED\r\n4,CONNECT FAIL\r\nWIFI CONNECTED\r\nWIFI GOT IP\r\nWIFI DISCONNECT\r\n"
                + "+STA_CONNECTED:\"02:00:00:00:00:0a\"\r\n+STA_DISCONNECTED:\"02:00:00:00:00:0a\"\r\n"
                + "\r\n+IPD,2,1460\r\n+CWJAP:3\r\n", cut: cut)
        let mac = try #require(MACAddress("02:00:00:00:00:0a"))
        #expect(
            found.messages == [
                .ok, .error, .error, .sendOK, .sendFailed, .busy, .busy, .ready, .linkOpened(link: 0, nil),
                .linkClosed(link: 3), .linkClosed(link: 4), .joinedNetwork, .gotAddress, .leftNetwork,
                .stationJoined(mac), .stationLeft(mac), .dataWaiting(link: 2), .text(Array("+CWJAP:3".utf8)),
            ])
    }

    @Test(arguments: Cut.allCases)
    func `reads the details of a new link`(cut: Cut) throws {
        let found = parse("+LINK_CONN:0,3,\"TCP\",1,\"10.0.2.2\",49152,80\r\n", cut: cut)
        let details = LinkDetails(isUDP: false, isIncoming: true, peer: try endpoint("10.0.2.2", 49152), localPort: 80)
        #expect(found.messages == [.linkOpened(link: 3, details)])
    }

    @Test(arguments: treacherousPayloads, Cut.allCases)
    func `passes pushed bytes on unchanged, whatever they look like`(payload: [UInt8], cut: Cut) throws {
        let text = Array("\r\n+IPD,1,\(payload.count),\"10.0.2.2\",7:".utf8) + payload + Array("\r\nOK\r\n".utf8)
        let found = parse(text, cut: cut)
        let header = PayloadHeader(origin: .pushed(link: 1), count: payload.count, source: try endpoint("10.0.2.2", 7))
        #expect(found.items == [.message(.payload(header)), .payload(payload), .message(.ok)])
    }

    @Test(arguments: treacherousPayloads, Cut.allCases)
    func `passes read bytes on unchanged, with each form of the header`(payload: [UInt8], cut: Cut) throws {
        let end = Array("\r\n\r\nOK\r\n".utf8)
        let source = try endpoint("192.168.4.2", 5000)
        let generation1 = parse(Array("+CIPRECVDATA,\(payload.count):".utf8) + payload + end, cut: cut)
        let plain = parse(Array("+CIPRECVDATA:\(payload.count),".utf8) + payload + end, cut: cut)
        let withSource = parse(
            Array("+CIPRECVDATA:\(payload.count),\"192.168.4.2\",5000,".utf8) + payload + end, cut: cut,
            readsShowSource: true)
        for (found, shown) in [(generation1, nil), (plain, nil), (withSource, source)] {
            let header = PayloadHeader(origin: .read, count: payload.count, source: shown)
            #expect(found.items == [.message(.payload(header)), .payload(payload), .message(.ok)])
        }
    }

    @Test(arguments: treacherousPayloads.filter { !$0.starts(with: Array("\"1.2.3.4\"".utf8)) }, Cut.allCases)
    func `takes bytes that cannot be a sender as data`(payload: [UInt8], cut: Cut) {
        // The only exception cannot be avoided: data in the exact form of a sender is taken for one.
        let text = Array("+CIPRECVDATA:\(payload.count),".utf8) + payload + Array("\r\nOK\r\n".utf8)
        let found = parse(text, cut: cut, readsShowSource: true)
        #expect(found.payloads == [payload])
        #expect(found.messages.last == .ok)
    }

    @Test(arguments: Cut.allCases)
    func `reads the sender of both dialects and of IPv6`(cut: Cut) throws {
        let found = parse(
            "+IPD,0,1,10.0.2.2,7:a\r\n+IPD,0,1,\"10.0.2.2\",7:b+IPD,4,1,\"fe80::1\",65535:c", cut: cut)
        #expect(found.payloads == [[97], [98], [99]])
        let sources = found.messages.compactMap { if case .payload(let header) = $0 { header.source } else { nil } }
        #expect(sources == [try endpoint("10.0.2.2", 7), try endpoint("10.0.2.2", 7), try endpoint("fe80::1", 65535)])
    }

    @Test(arguments: Cut.allCases)
    func `finds the prompt, and the bytes directly after it`(cut: Cut) {
        let found = parse("\r\nOK\r\n> \r\n+IPD,0,2:hiRecv 5 bytes\r\n\r\nSEND OK\r\n", cut: cut)
        #expect(found.payloads == [Array("hi".utf8)])
        #expect(found.messages.prefix(2) == [.ok, .prompt])
        #expect(found.messages.last == .sendOK)
    }

    @Test(arguments: Cut.allCases)
    func `does not take a header in quotes for one`(cut: Cut) {
        let line = "+CWLAP:(3,\"+IPD,0,5:\",-60,\"02:00:00:00:00:01\",6)"
        #expect(parse(line + "\r\nOK\r\n", cut: cut).messages == [.text(Array(line.utf8)), .ok])
    }

    @Test(arguments: Cut.allCases)
    func `finds a push in a damaged line, so that its bytes are not taken for replies`(cut: Cut) {
        let found = parse("garb+IPD,0,8:\r\nERROR\r\nOK\r\n", cut: cut)
        #expect(found.payloads == [Array("\r\nERROR".utf8) + [13]])
        #expect(found.messages.last == .ok)
    }

    @Test(arguments: Cut.allCases)
    func `skips noise before a line`(cut: Cut) {
        #expect(parse([0, 0xff, 0x80, 7] + Array("OK\r\n".utf8), cut: cut).messages == [.ok])
    }

    @Test(arguments: Cut.allCases)
    func `survives a line without end`(cut: Cut) {
        let text = [UInt8](repeating: UInt8(ascii: "x"), count: 5000) + Array("\r\nOK\r\n".utf8)
        #expect(parse(text, cut: cut).messages == [.ok])
    }

    @Test func `ignores an impossible length`() {
        #expect(parse("+IPD,0,99999999:").payloads.isEmpty)
        #expect(parse("+IPD,0,0:x\r\nOK\r\n").messages.last == .ok)
        #expect(parse("+CIPRECVDATA:70000,x\r\nOK\r\n").messages.last == .ok)
    }

    @Test func `lets the payload be read past it`() {
        var parser = ResponseParser()
        var found = FoundMessages()
        Array("+IPD,0,5:ab".utf8).withUnsafeBytes { parser.parse($0, into: &found) }
        #expect(parser.payloadRemaining == 3)
        parser.payloadDelivered(2)
        #expect(parser.payloadRemaining == 1)
        parser.payloadDelivered(1)
        Array("\r\nOK\r\n".utf8).withUnsafeBytes { parser.parse($0, into: &found) }
        #expect(found.messages.last == .ok)
    }

    @Test(arguments: 0..<200)
    func `finds the same messages in random input, however it is split`(seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        let pieces: [[UInt8]] =
            treacherousPayloads + [
                Array("+IPD,0,20:".utf8), Array("+IPD,1,3,\"10.0.2.2\",7:".utf8), Array("+CIPRECVDATA:6,".utf8),
                Array("+CIPRECVDATA,4:".utf8), Array("\r\n".utf8), Array("+CIPRECVDATA:9,\"1.2.3.4\",5,".utf8),
                Array("+LINK_CONN:0,1,\"UDP\",0,\"1.2.3.4\",9,9\r\n".utf8), Array("\"".utf8), Array(":,>".utf8),
            ]
        var text: [UInt8] = []
        for _ in 0..<60 {
            if let piece = pieces.randomElement(using: &random) { text += piece }
            if Int.random(in: 0..<5, using: &random) == 0 { text.append(UInt8.random(in: 0...255, using: &random)) }
        }
        for shows in [false, true] {
            let whole = parse(text, cut: .whole, readsShowSource: shows)
            #expect(parse(text, cut: .bytes, readsShowSource: shows) == whole)
            #expect(parse(text, cut: .random, readsShowSource: shows, seed: UInt64(seed)) == whole)
        }
    }
}

@Suite struct `The fuzzer's findings` {
    /// Inputs that reached new code in the parser. Scripts/fuzz.sh adds to them.
    private static let corpus: [[UInt8]] = {
        let folder = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return filesIn("/\(folder)/Fuzz/corpus/responses")
    }()

    @Test func `parse the same, however they are split`() throws {
        try #require(Self.corpus.count > 5)
        for input in Self.corpus {
            for shows in [false, true] {
                let whole = parse(input, cut: .whole, readsShowSource: shows)
                #expect(parse(input, cut: .bytes, readsShowSource: shows) == whole)
            }
        }
    }
}

private func filesIn(_ folder: String) -> [[UInt8]] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var files: [[UInt8]] = []
    while let entry = readdir(directory) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        guard let file = fopen("\(folder)/\(name)", "rb") else { continue }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = fread(&bytes, 1, bytes.count, file)
        if count > 0 { files.append(Array(bytes.prefix(count))) }
    }
    return files
}
