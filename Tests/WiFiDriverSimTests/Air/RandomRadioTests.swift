import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

/// Four modules that join each other, connect, send, restart and lose power in any order.
struct RandomRadioTests {
    private static let steps = 1500

    private static func command(_ random: inout SeededGenerator) -> String {
        let networks = (0..<4).map { "\"lab\($0)\",\"12345678\"" } + ["\"wifisim\",\"password\""]
        let addresses = (0..<4).map { "192.168.\(40 + $0).\(Int.random(in: 1...2, using: &random))" } + ["10.0.2.16"]
        let link = Int.random(in: 0...4, using: &random)
        let address = addresses.randomElement(using: &random) ?? ""
        let commands = [
            "AT+CWMODE=\(Int.random(in: 0...3, using: &random))",
            "AT+CWJAP=\(networks.randomElement(using: &random) ?? "")", "AT+CWQAP", "AT+CWQIF", "AT+CWLIF", "AT+CWLAP",
            "AT+CWDHCP=\(Int.random(in: 0...4, using: &random) > 0 ? 1 : 0),2", "AT+CIPSERVER=0,1", "AT+CIPSERVER=1,80",
            "AT+CIPSERVER=1,80", "AT+CIPSTART=\(link),\"TCP\",\"192.168.\(40 + link % 4).1\",80",
            "AT+CIPSTART=\(link),\"TCP\",\"\(address)\",80", "AT+CIPSTART=\(link),\"UDP\",\"\(address)\",1000,1000,2",
            "AT+CIPSEND=\(link),100", "AT+CIPSEND=\(link),100", "AT+CIPSEND=\(link),100", "AT+CIPCLOSE=\(link)",
            "AT+CIPRECVTYPE=\(link),\(Int.random(in: 0...1, using: &random))", "AT+CIPRECVDATA=\(link),50",
            "AT+PING=\"\(address)\"", "AT+WPS=1", "AT+CWSTARTSMART", "AT+CWSTOPSMART",
            "AT+CWSAP=\"lab\(link % 4)\",\"12345678\",\(Int.random(in: 1...13, using: &random)),3,\(1 + link)",
        ]
        return commands.randomElement(using: &random) ?? "AT"
    }

    private func prepare(_ room: Room, _ module: Int) {
        room.simulation.run(for: .seconds(1))
        room.ask(module, "ATE0")
        room.ask(module, "AT+CWMODE=3", for: .seconds(20))
        room.ask(module, "AT+CWSAP=\"lab\(module)\",\"12345678\",5,3")
        room.ask(module, "AT+CIPAP=\"192.168.\(40 + module).1\"")
        room.ask(module, "AT+CIPMUX=1")
        room.ask(module, "AT+CIPSERVER=1,80")
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `End with modules that answer, and no station on a soft-AP that does not exist`(seed: UInt64) throws {
        var random = SeededGenerator(seed)
        let room = Room(modules: 4)
        for module in 0..<4 { prepare(room, module) }
        for _ in 0..<Self.steps {
            let module = Int.random(in: 0..<4, using: &random)
            let time = Duration.milliseconds(Int.random(in: 0...2000, using: &random))
            switch Int.random(in: 0..<40, using: &random) {
            case 0:
                room.simulation.modules[module].reset()
                prepare(room, module)
            case 1:
                room.simulation.modules[module].powerOff()
                room.simulation.run(for: time * 5)
                room.simulation.modules[module].powerOn()
                prepare(room, module)
            case 2: room.ask(module, "AT+CIPMUX=1")
            case 3: room.ask(module, "AT+CWMODE=3", for: time)
            case 4:
                // The module may have no soft-AP at this time.
                try? room.simulation.make(.station(name: "phone", .joins(ssid: "lab\(module)", password: "12345678")))
            case 5: try room.simulation.make(.station(name: "phone", .leaves))
            case 6: try room.simulation.make(.accessPoint("wifisim", .wps))
            case 7:
                try room.simulation.make(.smartConfig(.espTouch, ssid: "lab\(module)", password: "12345678", key: nil))
            case 8: room.simulation.changeAccessPoint("lab\(module)") { $0.isOn.toggle() }
            default:
                let said = room.ask(module, Self.command(&random), for: time)
                if said.hasSuffix(">") { room.send(module, [UInt8](repeating: 0x41, count: 100), for: time) }
            }
            for other in 0..<4 { _ = room.simulation.modules[other].takeBytes() }
        }
        for module in 0..<4 {
            room.simulation.modules[module].reset()
            room.simulation.run(for: .seconds(1))
            _ = room.listen(module)
            #expect(room.ask(module, "ATE0").contains(ok))
            #expect(room.ask(module, "AT+CWMODE=0", for: .seconds(1)).contains(ok))
        }
        room.simulation.run(for: .seconds(10))
        #expect(room.simulation.air.accessPoints.map(\.ssid) == ["wifisim"])
        for module in room.simulation.modules { #expect(module.module.softAP.stations.isEmpty) }
    }
}
