import Testing
@testable import WiFiSimDaemon
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

struct WorldFileTests {
    @Test func `A file describes access points and names`() throws {
        let world = try WorldFile(
            text: """
                {
                  "accessPoints": [
                    {
                      "ssid": "office", "bssid": "02:00:00:00:00:10", "hidden": true, "channel": 11, "rssi": -70,
                      "security": "wpa2/wpa3", "password": "correct horse", "latency": 40, "on": false, "wps": false,
                      "network": {
                        "gateway": "192.168.1.1/16", "dhcp": ["192.168.1.50", "192.168.1.60"], "dns": ["192.168.1.2"],
                        "ipv6": null
                      }
                    },
                    { "ssid": "guest" },
                    { "ssid": "static", "network": { "gateway": "10.9.0.254/24", "dhcp": null } }
                  ],
                  "names": { "Broker.local": "10.0.2.2", "both": ["127.0.0.1", "::1"] }
                }
                """, path: "world.json"
        ).world
        let office = world.accessPoints[0]
        #expect(office.isHidden && office.channel == 11 && office.rssi == -70 && office.security == .wpa2WPA3)
        #expect(office.latency == .milliseconds(40) && !office.isOn && !office.hasWPS)
        #expect(office.network.netmask == IPv4Address(255, 255, 0, 0))
        #expect(office.network.leases == IPv4Address(192, 168, 1, 50)...IPv4Address(192, 168, 1, 60))
        #expect(office.network.ipv6Prefix == nil)
        #expect(world.accessPoints[1].security == .open)
        #expect(world.accessPoints[1].network == World.standard.accessPoints[0].network)
        #expect(world.accessPoints[2].network.leases == nil)
        #expect(Set(world.accessPoints.map(\.bssid)).count == 3)
        #expect(world.names["broker.local"] == [.v4(IPv4Address(10, 0, 2, 2))])
        #expect(world.names["both"]?.count == 2)
    }

    @Test(arguments: ["[", "{\"names\":", "[{\"a\":[", "[[],"])
    func `A file that is nested too deep is refused`(opening: String) throws {
        let text = String(repeating: opening, count: 1_000_000)
        let error = #expect(throws: WorldFileError.self) { try WorldFile(text: text, path: "w.json") }
        #expect(error?.reason == "is nested more than 512 levels deep")
    }

    @Test func `Omitted values are as in the standard world`() throws {
        #expect(try WorldFile(text: "{}", path: "x").world.accessPoints == World.standard.accessPoints)
    }

    @Test func `A file describes enterprise networks and an update server`() throws {
        let world = try WorldFile(
            text: """
                {
                  "accessPoints": [
                    {
                      "ssid": "campus", "security": "wpa2-enterprise",
                      "enterprise": { "method": "ttls", "identity": "i", "username": "u", "password": "p" }
                    }
                  ],
                  "updates": { "versions": "v9.0.0.0", "size": 1000 }
                }
                """, path: "world.json"
        ).world
        #expect(
            world.accessPoints[0].enterprise
                == Enterprise(method: .ttls, identity: "i", username: "u", password: "p"))
        #expect(world.updates?.versions == ["v9.0.0.0"] && world.updates?.size == 1000)
        #expect(world.knownNames["iot.espressif.cn"]?.count == 1)
    }

    @Test func `Time servers have names in every world, an update server only if it exists`() {
        #expect(World.standard.knownNames["us.pool.ntp.org"] == [.v4(IPv4Address(10, 0, 2, 2))])
        #expect(World.standard.knownNames["iot.espressif.cn"] == [])
        let own = World(accessPoints: World.standard.accessPoints, names: ["pool.ntp.org": [.v4(.loopback)]])
        #expect(own.knownNames["pool.ntp.org"] == [.v4(.loopback)])
    }

    @Test(arguments: [
        #""method": "leap", "identity": "i""#, #""method": "peap", "identity": "i""#,
        #""method": "tls", "identity": """#, #""method": "tls", "identity": "i", "key": 1"#,
    ])
    func `A wrong enterprise is refused`(fields: String) {
        let text = """
            { "accessPoints": [ { "ssid": "a", "security": "wpa2-enterprise", "enterprise": { \(fields) } } ] }
            """
        #expect(throws: WorldFileError.self) { try WorldFile(text: text, path: "world.json") }
    }

    @Test func `A timeline changes the world by itself`() throws {
        let world = try WorldFile(
            text: """
                {
                  "timeline": [
                    { "at": "12.5s", "do": "ap wifisim on" },
                    { "at": "2s", "do": "ap \\"wifisim\\" off" },
                    { "at": "3s", "do": "station \\"my phone\\" joins wifisim password" }
                  ]
                }
                """, path: "world.json"
        ).world
        #expect(
            world.timeline == [
                .init(at: .milliseconds(12_500), .accessPoint("wifisim", .on)),
                .init(at: .seconds(2), .accessPoint("wifisim", .off)),
                .init(at: .seconds(3), .station(name: "my phone", .joins(ssid: "wifisim", password: "password"))),
            ])
        let simulation = Simulation(world: world, start: .power)
        simulation.run(until: .zero + .milliseconds(2500))
        simulation.send("AT+CWMODE=1\r\nAT+CWJAP=\"wifisim\",\"password\"\r\n")
        simulation.run(until: .zero + .seconds(10))
        #expect(simulation.takeOutput().contains("+CWJAP:3"))
        simulation.run(until: .zero + .seconds(13))
        simulation.send("AT+CWJAP=\"wifisim\",\"password\"\r\n")
        simulation.run(until: .zero + .seconds(20))
        #expect(simulation.takeOutput().contains("WIFI GOT IP"))
    }

    @Test(arguments: [
        ("{\n  \"timeline\": [ { \"at\": \"2s\",\n  \"do\": \"ap lab off\" } ] }", 3, "timeline[0].do"),
        ("{\n  \"timeline\": [\n { \"at\": \"soon\", \"do\": \"ap wifisim off\" } ] }", 3, "timeline[0].at"),
        ("{\n  \"timeline\": [\n { \"at\": \"2s\", \"do\": \"ap wifisim sideways\" } ] }", 3, "timeline[0].do"),
        (
            "{\n  \"accessPoints\": [\n    { \"ssid\": \"x\",\n      \"chanel\": 6 }\n  ]\n}", 4,
            "accessPoints[0].chanel"
        ),
        (
            "{\n  \"accessPoints\": [\n    { \"ssid\": \"x\",\n      \"channel\": 15 }\n  ]\n}", 4,
            "accessPoints[0].channel"
        ),
        (
            "{\n  \"accessPoints\": [\n    { \"ssid\": \"x\" },\n    { \"channel\": \"6\", \"ssid\": \"y\" }\n  ]\n}",
            4, "accessPoints[1].channel"
        ),
        ("{ \"accessPoints\": [\n    { \"channel\": 6 } ] }", 2, "accessPoints[0]"),
        ("{ \"accessPoints\": [ { \"ssid\": \"x\", \"security\": \"wpa9\" } ] }", 1, "accessPoints[0].security"),
        ("{ \"accessPoints\": [ { \"ssid\": \"x\", \"password\": \"short\" } ] }", 1, "accessPoints[0].password"),
        ("{ \"accessPoints\": [ { \"ssid\": \"x\", \"security\": \"wpa2\" } ] }", 1, "accessPoints[0].security"),
        ("{ \"accessPoints\": [ { \"ssid\": \"x\", \"bssid\": \"zz\" } ] }", 1, "accessPoints[0].bssid"),
        (
            "{\n\"accessPoints\": [ { \"ssid\": \"x\",\n\"network\": {\n\"gateway\": \"10.0.0\" } } ] }", 4,
            "accessPoints[0].network.gateway"
        ),
        (
            "{ \"accessPoints\": [ { \"ssid\": \"x\", \"network\": { \"dhcp\": [\"10.0.2.9\"] } } ] }", 1,
            "accessPoints[0].network.dhcp"
        ),
        ("{\n\"names\": {\n\"a\": \"1.2.3\" } }", 3, "names.a"),
        ("[]", 1, ""),
        ("{\n  \"accessPoints\": [\n    { \"ssid\" \"x\" }\n  ]\n}", 3, ""),
    ])
    func `A wrong file is refused with its line and key`(text: String, line: Int, key: String) {
        let error = #expect(throws: WorldFileError.self) { try WorldFile(text: text, path: "world.json") }
        #expect(error?.line == line)
        #expect(error?.key == key)
        #expect(error?.reason.isEmpty == false)
        #expect(error?.description.hasPrefix("world.json:\(line): ") == true)
    }
}
