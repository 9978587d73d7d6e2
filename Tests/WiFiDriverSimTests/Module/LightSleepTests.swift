import Testing
@testable import WiFiSimModule
@testable import WiFiSimSimulation
@testable import WiFiSimValues

struct LightSleepTests {
    private func asleep(_ configuration: String = "") -> Simulation {
        let simulation = Simulation(firmware: .esp32v2_1)
        simulation.modules[0].module.lightSleepIsDeaf = true
        for line in ["ATE0", configuration, "AT+CWMODE=1", "AT+SLEEP=2"] where !line.isEmpty {
            simulation.send("\(line)\r\n")
        }
        _ = simulation.takeOutput()
        simulation.run(for: .seconds(1))
        return simulation
    }

    @Test func `The line wakes the module, and the first bytes are lost`() {
        let simulation = asleep()
        simulation.send("AT\r\n")
        #expect(simulation.takeOutput() == "")
        simulation.run(for: .milliseconds(1))
        simulation.send("AT\r\n")
        // The LF is what was left of the first line.
        #expect(simulation.takeOutput() == "\r\nOK\r\n")
        #expect(simulation.log.contains("3 bytes lost: the module is in light sleep"))
    }

    @Test func `Only its pin wakes a module that has one`() {
        let simulation = asleep("AT+SLEEPWKCFG=2,27,0")
        simulation.modules[0].module.setPin(27, isHigh: true)
        for _ in 0..<3 {
            simulation.send("AT\r\n")
            simulation.run(for: .milliseconds(1))
        }
        #expect(simulation.takeOutput() == "")
        simulation.modules[0].module.setPin(27, isHigh: false)
        simulation.send("AT\r\n")
        #expect(simulation.takeOutput() == "\r\nOK\r\n")
    }

    @Test func `A module that has just woken hears every byte`() {
        let simulation = asleep()
        simulation.send("abc")
        simulation.send("AT\r\n")
        #expect(simulation.takeOutput() == "\r\nOK\r\n")
    }

    @Test func `A module that works on a command hears every byte`() {
        let simulation = asleep()
        simulation.send("\r\n\r\n")
        simulation.send("AT+CWLAP\r\n")
        simulation.run(for: .milliseconds(500))
        simulation.send("AT\r\n")
        #expect(simulation.takeOutput() == "\r\nbusy p...\r\n")
    }

    @Test func `Another source takes the place of the pin`() {
        let simulation = asleep("AT+SLEEPWKCFG=2,27,1\r\nAT+SLEEPWKCFG=1,0")
        simulation.send("abc")
        simulation.send("AT\r\n")
        #expect(simulation.takeOutput() == "\r\nOK\r\n")
    }

    @Test func `An ideal line is heard in any sleep`() {
        let simulation = asleep()
        simulation.modules[0].module.lightSleepIsDeaf = false
        simulation.send("AT\r\n")
        #expect(simulation.takeOutput() == "\r\nOK\r\n")
    }
}
