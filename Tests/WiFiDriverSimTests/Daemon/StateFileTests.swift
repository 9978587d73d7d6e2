import Foundation
import Testing
@testable import WiFiSimDaemon
@testable import WiFiSimModule
@testable import WiFiSimSimulation

/// A state file is either refused with the place of its mistake, or holds a flash with which the module works.
struct StateFileTests {
    private let folder = TemporaryFolder()

    /// The flash of a module with a value for every setting.
    private func fullSettings(_ firmware: Firmware) throws -> Settings {
        let host = Conversation.joined(firmware)
        for line in [
            "AT+CWMODE=3", "AT+CWSAP=\"esp\",\"12345678\",5,3", "AT+CWDHCPS=1,3,\"192.168.4.10\",\"192.168.4.15\"",
            "AT+CWRECONNCFG=1,3", "AT+CIPSTA=\"10.0.2.99\"", "AT+CIPDNS=1,\"10.0.2.3\"", "AT+CWCONFIG=60,6,3",
            "AT+CWBANDWIDTH=1,1", "AT+CWSTAPROTO=7", "AT+CWAPPROTO=7", "AT+CIPTCPOPT=0,1,1,1000,60",
            "AT+CIPSSLCCONF=3,0,0", "AT+CIPRECONNINTV=10", "AT+SAVETRANSLINK=1,\"10.0.2.2\",7,\"TCP\",60",
            "AT+CWCOUNTRY=1,\"US\",1,11", "AT+CIPV6=1", "AT+SYSMFG=2,\"my\",\"num\",6,-5",
        ] { host.ask(line, for: .seconds(1)) }
        host.ask("AT+SYSMFG=2,\"client_ca\",\"client_ca.0\",8,5")
        host.send(Array("abcde".utf8))
        host.listen()
        return try #require(host.simulation.storedSettings)
    }

    private enum Step { case key(String), index(Int) }

    private func places(in value: Any) -> [[Step]] {
        switch value {
        case let object as [String: Any]:
            object.sorted { $0.key < $1.key }.flatMap { key, value in places(in: value).map { [.key(key)] + $0 } }
        case let list as [Any]:
            list.enumerated().flatMap { index, value in places(in: value).map { [.index(index)] + $0 } }
        default: [[]]
        }
    }

    private func value(at place: ArraySlice<Step>, in whole: Any) -> Any {
        switch place.first {
        case .key(let key): value(at: place.dropFirst(), in: (whole as? [String: Any])?[key] as Any)
        case .index(let index): value(at: place.dropFirst(), in: (whole as? [Any])?[index] as Any)
        case nil: whole
        }
    }

    private func replacing(_ place: ArraySlice<Step>, of whole: Any, with new: Any) -> Any {
        switch (place.first, whole) {
        case (.key(let key), var object as [String: Any]):
            object[key] = object[key].map { replacing(place.dropFirst(), of: $0, with: new) }
            return object
        case (.index(let index), var list as [Any]):
            list[index] = replacing(place.dropFirst(), of: list[index], with: new)
            return list
        default: return new
        }
    }

    private static var numbers: [Any] {
        [
            0, -1, 1, 2, 5, 15, 256, 65_536, Int(Int32.max), Int(Int32.max) + 1, Int(Int32.min), Int.max, Int.min, 1.5,
            1e300,
        ]
    }
    private static var texts: [Any] {
        [
            "", "x", String(repeating: "x", count: 100_000), "\u{0}", "255.255.255.255", "255.255.255.250", "0.0.0.0",
            "224.0.0.1", "240.0.0.1", "255.0.255.0", "192.168.4.0", "::1", "ff:ff:ff:ff:ff:ff", "TCP", "UDP", "SSLv6",
            "FOO",
        ]
    }

    private func replacements(for old: Any) -> [Any] {
        let isTruth = old is Bool && !(old is Int)
        if isTruth { return [true, false] }
        return old is String ? Self.texts : Self.numbers
    }

    @Test(arguments: [Firmware.esp8266v1_7, .esp32v2_1, .esp8266v2_2, .esp32c3v5_0])
    func `For any single value of a state file, the module starts or the mistake is located`(firmware: Firmware) throws
    {
        let file = try StateFile(path: folder.path("state"), firmware: firmware)
        try file.save(try fullSettings(firmware))
        let whole = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: file.path)))
        var (refused, accepted) = (0, 0)
        for place in places(in: whole) {
            let old = value(at: place[...], in: whole)
            for new in replacements(for: old) {
                let changed = replacing(place[...], of: whole, with: new)
                try JSONSerialization.data(withJSONObject: changed).write(to: URL(filePath: file.path))
                do {
                    let settings = try #require(try file.load())
                    use(settings, firmware)
                    accepted += 1
                } catch let error as StateFileError {
                    #expect(error.description.hasPrefix(file.path + ": "))
                    refused += 1
                }
            }
        }
        #expect(refused > 300 && accepted > 100)
    }

    /// Starts the module, runs it with its flash for some time, and queries everything that it stores.
    private func use(_ settings: Settings, _ firmware: Firmware) {
        let host = Conversation(firmware, settings: settings)
        host.listen(for: .seconds(20))
        host.send(Array("+++".utf8))
        host.listen(for: .seconds(1))
        for line in [
            "", "AT", "AT+CWSAP?", "AT+CWDHCPS?", "AT+CIPAP?", "AT+CIPSTA?", "AT+CWLAP", "AT+CIPTCPOPT?", "AT+CWMODE=3",
            "AT+CIPSTART=\"TCP\",\"10.0.2.2\",7", "AT+SYSMFG=1,\"my\",\"num\"", "AT+SYSMFG?", "AT+CWDHCPS=0",
            "AT+CWDHCP=1,3",
        ] { host.ask(line, for: .seconds(2)) }
        #expect(host.ask("AT+RST", for: .seconds(1)).contains("ready"))
    }

    @Test func `A refusal names the value and its range`() throws {
        let file = try StateFile(path: folder.path("state"), firmware: .standard)
        try file.save(.factory(for: .standard, serialNumber: 1))
        let text = try String(contentsOfFile: file.path, encoding: .utf8)
        for (old, new, reason) in [
            ("\"count\" : 0", "\"count\" : 1001", "settings.reconnect.count: 1001 is not 0 to 1000"),
            ("\"baud\" : 115200", "\"baud\" : 0", "settings.uart.baud: 0 is not 80 to 5000000"),
            ("\"address\" : \"192.168.4.1\"", "\"address\" : \"240.0.0.1\"", "settings.softAPAddress.address is none"),
        ] {
            try text.replacing(old, with: new).write(toFile: file.path, atomically: false, encoding: .utf8)
            let error = #expect(throws: StateFileError.self) { try file.load() }
            #expect(error?.reason.hasPrefix(reason) == true, "\(String(describing: error))")
        }
    }

    @Test func `A value that is missing, null or of another type is reported with its place`() throws {
        let file = try StateFile(path: folder.path("state"), firmware: .standard)
        try file.save(.factory(for: .standard, serialNumber: 1))
        let text = try String(contentsOfFile: file.path, encoding: .utf8)
        for (old, new, reason) in [
            ("\"count\" : 0", "\"other\" : 0", "settings.reconnect.count: is missing"),
            ("\"count\" : 0", "\"count\" : null", "settings.reconnect.count: must not be null"),
            ("\"count\" : 0", "\"count\" : \"0\"", "settings.reconnect.count: has the wrong type"),
            ("\"profile\"", "\"other\"", "profile: is missing"),
        ] {
            try text.replacing(old, with: new).write(toFile: file.path, atomically: false, encoding: .utf8)
            let error = #expect(throws: StateFileError.self) { try file.load() }
            #expect(error?.reason.hasPrefix(reason) == true, "\(String(describing: error))")
        }
    }
}
