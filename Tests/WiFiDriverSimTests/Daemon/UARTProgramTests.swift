import Foundation
import Testing
@testable import WiFiSimHost

/// `--uart real`, from outside.
struct UARTProgramTests {
    private let folder = TemporaryFolder()

    /// The counts in the state of the module; `nil` if its line is no UART.
    private func counts(_ control: String) throws -> [String: Int]? {
        let state = try Program.run("ctl", "--socket", control, "state").output
        let object = try JSONSerialization.jsonObject(with: Data(state.utf8)) as? [String: Any]
        let modules = object?["modules"] as? [[String: Any]]
        return modules?.first?["uart"] as? [String: Int]
    }

    @Test func `A wrong bit rate garbles in both directions, and the right one works again`() throws {
        let control = folder.path("control")
        let (_, client) = try Program.module("--uart", "real", "--control", control)
        try client.read(until: "ready\r\n")
        try client.setSpeed(9600)
        try client.write(Array("AT\r\n".utf8))
        // The module looks at the rate when it reads.
        let end = ContinuousClock.now + .seconds(20)
        while try counts(control)?["framingErrors"] == 0, ContinuousClock.now < end { sched_yield() }
        try client.setSpeed(115_200)
        // The rest of the garbled line.
        try client.write(Array("\r\n".utf8))
        try client.read(until: "ERROR\r\n")
        #expect(try client.command("AT") == "AT\r\n\r\nOK\r\n")

        try client.command("AT+UART_CUR=921600,8,1,0,0")
        try client.setSpeed(921_600)
        #expect(try client.command("AT") == "AT\r\n\r\nOK\r\n")
        // A rate that differs by less than a UART notices.
        try client.setSpeed(925_000)
        #expect(try client.command("AT") == "AT\r\n\r\nOK\r\n")
    }

    /// Sends `bytes` in passthrough over a network that is slower than the line, and returns what has arrived.
    private func passThrough(_ bytes: [UInt8], hasFlowControl: Bool) throws -> (arrived: [UInt8], counts: [String: Int])
    {
        let control = folder.path("control")
        let listener = try Listener()
        let (_, client) = try Program.module(
            "--uart", "real", "--control", control, "--fault", "network bandwidth 50000")
        try client.join()
        try client.command("AT+UART_CUR=2000000,8,1,0,\(hasFlowControl ? 3 : 0)")
        try client.setSpeed(2_000_000, hasFlowControl: hasFlowControl)
        try client.command("AT+CIPSTART=\"TCP\",\"10.0.2.2\",\(listener.port)")
        let peer = try listener.accept()
        try client.command("AT+CIPMODE=1")
        try client.write(Array("AT+CIPSEND\r\n".utf8))
        try client.read(until: ">")
        try client.write(bytes)
        let arrived = peer.receive(hasFlowControl ? bytes.count : 8192)
        let counts = try #require(try counts(control))
        return (arrived, counts)
    }

    private static let data = (0..<40_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }

    @Test func `Without flow control, what the FIFO has no room for is lost and counted`() throws {
        let (arrived, counts) = try passThrough(Self.data, hasFlowControl: false)
        #expect(arrived == Array(Self.data.prefix(8192)))
        #expect(counts["lost"] ?? 0 > 0)
        #expect(counts["overruns"] ?? 0 > 0)
    }

    @Test func `With flow control, nothing is lost`() throws {
        let (arrived, counts) = try passThrough(Self.data, hasFlowControl: true)
        #expect(arrived == Self.data)
        #expect(counts["lost"] == 0)
    }

    @Test func `An ideal line has no counts`() throws {
        let control = folder.path("control")
        let (_, client) = try Program.module("--control", control)
        try client.command("AT")
        #expect(try counts(control) == nil)
    }

    @Test func `The bench of paced modules says what they take`() throws {
        let result = try Program.run("bench", "--modules", "2", "--paced", "--seconds", "1", "--json")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.contains("streaming, each of 2"))
        #expect(try Program.run("bench", "--paced").status == EX_USAGE)
    }
}
