import Foundation
import Testing
@testable import WiFiSimDaemon
@testable import WiFiSimModule
@testable import WiFiSimSimulation

/// A world file is either refused with the place of its mistake, or describes a world in which modules work.
struct WorldFileRangeTests {
    private static let numbers = [
        "0", "-1", "1", "14", "15", "60001", "2147483648", "9223372036854775807", "-9223372036854775808", "1e300",
        "1.5",
    ]
    private static let texts = [
        "", "x", "255.255.255.255", "255.255.255.254/24", "255.255.255.253/30", "224.0.0.1/24", "240.0.0.1",
        "127.0.0.1/8", "10.0.2.0/24",
        "0.0.0.1/24", "10.0.2.255", "::1", "fec0::/64", "9999999h", "1000h", "-1s", "ap wifisim leases 10.0.2.255",
        "ap wifisim subnet 255.255.255.254/24", "ap wifisim subnet 223.255.255.253/30",
    ]

    /// A file with `value` in one of its places.
    private func file(_ place: String, _ value: String) -> String {
        let template = """
            { "accessPoints": [ { "ssid": "wifisim", "password": "password", "bssid": BSSID, "channel": CHANNEL, "rssi": RSSI,
              "latency": LATENCY, "network": { "gateway": GATEWAY, "dhcp": [FIRST, LAST], "dns": [DNS], "ipv6": PREFIX } } ],
              "names": { "host": NAME }, "timeline": [ { "at": AT, "do": DO } ], "updates": { "versions": [VERSION], "size": SIZE } }
            """
        let values = [
            "BSSID": "\"02:00:00:00:00:09\"", "CHANNEL": "6", "RSSI": "-45", "LATENCY": "2",
            "GATEWAY": "\"10.0.2.2/24\"",
            "FIRST": "\"10.0.2.15\"", "LAST": "\"10.0.2.20\"", "DNS": "\"10.0.2.3\"", "PREFIX": "\"fec0::/64\"",
            "NAME": "\"10.0.2.7\"", "AT": "\"1s\"", "DO": "\"ap wifisim rssi -60\"", "VERSION": "\"v9\"",
            "SIZE": "1000",
        ]
        return values.reduce(template) { $0.replacing($1.key, with: $1.key == place ? value : $1.value) }
    }

    @Test(arguments: [
        "BSSID", "CHANNEL", "RSSI", "LATENCY", "GATEWAY", "FIRST", "LAST", "DNS", "PREFIX", "NAME", "AT", "DO",
        "VERSION", "SIZE",
    ])
    func `For any single value of a world file, the module joins or the file is refused`(place: String) throws {
        for value in Self.numbers + Self.texts.map({ "\"\($0)\"" }) + ["null", "true", "[]", "{}"] {
            let world: World
            do {
                world = try WorldFile(text: file(place, value), path: "w.json").world
            } catch {
                #expect(error.line >= 1 && !error.reason.isEmpty)
                continue
            }
            let host = Conversation(world: world)
            host.ask("AT+CWMODE=3")
            host.ask("AT+CWJAP=\"wifisim\",\"password\"", for: .seconds(20))
            for line in [
                "AT+CWLAP", "AT+CIPSTA?", "AT+PING=\"host\"", "AT+CIPSTART=\"TCP\",\"10.0.2.2\",7", "AT+CIUPDATE",
                "AT+CWQAP",
            ] {
                host.ask(line, for: .seconds(15))
            }
            #expect(host.ask("AT", for: .seconds(60)).hasSuffix("OK\r\n"), "\(place) \(value)")
        }
    }

    @Test func `DHCP assigns neither the gateway's address nor one that a host cannot have`() throws {
        let world = try WorldFile(
            text: """
                { "accessPoints": [ { "ssid": "wifisim", "password": "password",
                  "network": { "gateway": "10.0.2.1/29", "dhcp": ["10.0.2.1", "10.0.2.3"] } } ] }
                """, path: "w.json"
        ).world
        let simulation = Simulation(world: world, moduleCount: 3)
        var addresses: [String] = []
        for module in simulation.modules {
            module.send("ATE0\r\nAT+CWMODE=1\r\nAT+CWJAP=\"wifisim\",\"password\"\r\n")
            simulation.run(for: .seconds(20))
            _ = module.takeBytes()
            module.send("AT+CIFSR\r\n")
            addresses += module.takeOutput().split(separator: "\"").map(String.init).filter { $0.hasPrefix("10.0.2.") }
        }
        #expect(addresses == ["10.0.2.2", "10.0.2.3"])
        for last in ["10.0.2.7", "10.0.2.8"] {
            #expect(throws: WorldFileError.self) {
                try WorldFile(
                    text: file("LAST", "\"\(last)\"").replacing("10.0.2.2/24", with: "10.0.2.2/29"), path: "w.json")
            }
        }
    }
}
