import Foundation
import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation

struct UserDataTests {
    @Test func `Only what differs from the factory is kept`() {
        var data = UserData()
        let factory = data.values(in: "client_ca")["client_ca.0"]
        data.set("client_ca.0", in: "client_ca", to: .binary(FlashBytes(Array("mine".utf8))))
        #expect(data.credential(.clientAuthority, isInNVS: true) == Array("mine".utf8))
        data.set("client_ca.0", in: "client_ca", to: factory)
        #expect(data == UserData())
        data.set("client_ca.0", in: "client_ca", to: nil)
        #expect(data.credential(.clientAuthority, isInNVS: true) == [])
        #expect(data.credential(.clientAuthority, 1, isInNVS: true) != [])
    }

    @Test func `A partition has its factory image, and holds what is written and erased`() {
        var data = UserData()
        let certificate = data.credential(.clientCertificate, isInNVS: false)
        #expect(String(decoding: certificate, as: UTF8.self) == FactoryCertificates.client0)
        #expect(data.credential(.clientCertificate, 1, isInNVS: false) == [])
        let image = data.content(of: "client_cert")
        data.erase(0..<4096, of: "client_cert")
        #expect(data.credential(.clientCertificate, isInNVS: false) == [])
        data.write(image, to: "client_cert", at: 0)
        #expect(data == UserData())
    }

    @Test(arguments: [
        "", "F1F1", [0xF1, 0xF1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF].hex, "f1f10100ffffffff0100ffff61626364",
        "f1f10200100000000101000061", "f1f10100",
    ])
    func `A damaged image holds no certificate`(hex: String) {
        #expect(Credential.clientAuthority.item(0, in: [UInt8](hex: hex) ?? []) == [])
    }

    @Test(arguments: ["-----BEGIN\n", "", "\0\u{7F}", "ü"])
    func `Bytes are text in a state file if possible`(text: String) throws {
        let bytes = FlashBytes(Array(text.utf8))
        #expect(try JSONDecoder().decode(FlashBytes.self, from: JSONEncoder().encode(bytes)) == bytes)
    }

    @Test func `Settings from before certificates existed are read`() throws {
        let settings = Settings.factory(for: .standard, serialNumber: 1)
        let encoded = try JSONEncoder().encode(settings)
        #expect(!String(decoding: encoded, as: UTF8.self).contains("userData"))
        #expect(try JSONDecoder().decode(Settings.self, from: encoded) == settings)
    }

    @Test func `Values written by SYSMFG are in the stored settings`() throws {
        let host = Conversation()
        host.ask("AT+SYSMFG=2,\"client_ca\",\"client_ca.0\",8,4")
        host.simulation.send("+++>")
        #expect(host.listen() == ok)
        let stored = try #require(host.simulation.storedSettings)
        let again = Conversation(settings: try JSONDecoder().decode(Settings.self, from: JSONEncoder().encode(stored)))
        #expect(
            again.ask("AT+SYSMFG=1,\"client_ca\",\"client_ca.0\"").hasPrefix(
                "+SYSMFG:\"client_ca\",\"client_ca.0\",8,4,+++>"))
        // The host's partitions are not parameters of the firmware.
        again.ask("AT+RESTORE", for: .seconds(1))
        again.ask("ATE0")
        #expect(again.ask("AT+SYSMFG=1,\"client_ca\",\"client_ca.0\"").contains(",8,4,+++>"))
    }

    @Test func `SYSMFG fails once the partition is full, and the flash can be read again`() throws {
        let host = Conversation()
        var answers: [String] = []
        for number in 0..<4 {
            host.ask("AT+SYSMFG=2,\"mine\",\"key\(number)\",8,60000")
            host.send([UInt8](repeating: 0x61, count: 60_000))
            answers.append(host.listen(for: .seconds(10)))
        }
        #expect(answers.map { $0.hasSuffix(ok) } == [true, true, false, false], "\(answers)")
        let stored = try #require(host.simulation.storedSettings)
        #expect(stored.mistake(for: .standard) == nil)
        // Replaced values make room.
        host.ask("AT+SYSMFG=2,\"mine\",\"key0\",8,5")
        host.send(Array("abcde".utf8))
        #expect(host.listen() == ok)
        host.ask("AT+SYSMFG=2,\"mine\",\"key2\",8,60000")
        host.send([UInt8](repeating: 0x61, count: 60_000))
        #expect(host.listen(for: .seconds(10)) == ok)
    }
}
