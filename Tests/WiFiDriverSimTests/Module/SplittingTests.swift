import Testing
@testable import WiFiSimModule
@testable import WiFiSimValues

/// The output of a module does not depend on how the line splits its input.
struct SplittingTests {
    enum Cut: CaseIterable { case whole, byByte, random }

    @Test(arguments: Firmware.all)
    func `The answers do not depend on how the line splits the input`(firmware: Firmware) {
        let whole = tour(firmware, .whole)
        #expect(whole.contains("+IPD,0,\(treacherousPayload.count)"))
        #expect(whole.contains("SEND OK"))
        #expect(tour(firmware, .byByte) == whole)
        for seed in 1...8 { #expect(tour(firmware, .random, seed: UInt64(seed)) == whole) }
    }

    /// A session with every kind of input, and the whole output of the module.
    private func tour(_ firmware: Firmware, _ cut: Cut, seed: UInt64 = 0) -> String {
        let host = Conversation(firmware)
        var generator = SeededGenerator(seed)
        var output = ""
        func send(_ bytes: [UInt8], for duration: Duration = .milliseconds(50)) {
            var rest = bytes[...]
            while !rest.isEmpty {
                let length =
                    switch cut {
                    case .whole: rest.count
                    case .byByte: 1
                    case .random: Int.random(in: 1...rest.count, using: &generator)
                    }
                host.send(Array(rest.prefix(length)))
                rest = rest.dropFirst(length)
            }
            output += host.listen(for: duration)
        }
        func line(_ text: String, for duration: Duration = .milliseconds(50)) {
            send(Array((text + "\r\n").utf8), for: duration)
        }

        line("AT+GMR")
        line("nonsense")
        line("AT+CWMODE=1")
        line("AT+CWLAP", for: .seconds(3))
        line("AT+CWJAP=\"wifisim\",\"wrong\"", for: .seconds(6))
        line("AT+CWJAP=\"wifisim\",\"password\"", for: .seconds(3))
        line("AT+CIPMUX=1")
        line("AT+CIPSTART=0,\"TCP\",\"10.0.2.2\",7")
        line("AT+CIPSEND=0,\(treacherousPayload.count)")
        // Excess bytes are refused, whether they come with the data or after them.
        send(treacherousPayload + Array("surplus\r\n".utf8))
        line("AT+CIPRECVMODE=1")
        line("AT+CIPSEND=0,3")
        send([0, 1, 2])
        line("AT+CIPRECVDATA=0,100")
        line("AT+CIPCLOSE=5")
        return output
    }
}
