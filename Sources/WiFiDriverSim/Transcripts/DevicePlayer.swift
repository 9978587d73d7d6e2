import WiFiSimHost
import WiFiSimValues

/// Plays the host's side of a transcript to a real module and compares its output. This is what `wifisim check
/// --device` does.
///
/// Time is real, and so are the access points and the peers: they must already be as the transcript describes them.
package final class DevicePlayer {
    private let port: DevicePort
    private let listener: ModuleListener
    private let device: PortLine
    /// The number of events that were skipped because nothing here can cause them.
    package private(set) var leftOut = 0

    /// Opens the device.
    /// - Parameters:
    ///   - address: the serial port, or what else leads to the module.
    ///   - speed: its bit rate in bits per second.
    ///   - patience: how long to wait for a line of the module that has no time window.
    /// - Throws: `SystemError` if it cannot be opened.
    package init(device address: DeviceAddress, speed: Int, patience: Duration = .seconds(30)) throws(SystemError) {
        port = try DevicePort(address, speed: speed)
        device = PortLine(port)
        listener = ModuleListener(device, patience: patience)
    }

    private static let settlingTime = Duration.milliseconds(50)

    /// Plays to the end or to the first difference.
    /// - Parameter script: the transcript.
    /// - Returns: the outcome.
    /// - Throws: `SystemError` if the device fails.
    package func play(_ script: Transcript.Script) throws -> TranscriptPlayer.Outcome {
        var outcome = TranscriptPlayer.Outcome()
        let start = device.now
        do throws(Divergence) {
            // Output that was meant for an earlier host does not count. From a socket it takes a moment to come.
            listener.run(for: Self.settlingTime)
            _ = listener.takeSaid()
            for (event, line) in script.transcript.events {
                if case .host = event { outcome.exchanges += 1 }
                try play(event, line: line, contents: script.contents)
                if let failure = device.failure {
                    throw Divergence(line: line, reason: .impossible("\(failure)"), expected: "", actual: [])
                }
            }
            listener.run(for: .milliseconds(100))
            try listener.expectNothing(at: script.transcript.lines.last?.number ?? 0)
        } catch {
            outcome.divergence = error
        }
        if let failure = device.failure { throw failure }
        outcome.duration = device.now - start
        return outcome
    }

    private func play(_ event: Transcript.Event, line: Int, contents: [String: [UInt8]]) throws(Divergence) {
        switch event {
        case .host(let payload):
            try listener.expectNothing(at: line)
            do throws(PayloadError) {
                device.send(try payload.bytes(bindings: listener.bindings, contents: contents))
            } catch {
                throw Divergence(line: line, reason: .impossible(error.reason), expected: "", actual: [])
            }
        case .module(let expectation): try listener.expect([expectation], at: line)
        case .unordered(let items): try listener.expect(items, at: line)
        case .wait(let duration): listener.run(for: duration)
        case .quiet(let duration): try listener.expectSilence(for: duration, at: line)
        case .baud(let speed): device.setSpeed(speed)
        case .reset, .pin, .power, .peer, .name, .world: leftOut += 1
        }
        listener.lastEvent = device.now
    }
}

/// A serial port as a transcript's line. The first failure is kept; after it, no bytes arrive.
private final class PortLine: TranscriptLine {
    private let port: DevicePort
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private(set) var failure: SystemError?

    init(_ port: DevicePort) {
        self.port = port
        start = clock.now
    }

    var now: Instant { .zero + (clock.now - start) }

    func send(_ bytes: [UInt8]) { guarded { () throws(SystemError) in try port.write(bytes) } }
    func setSpeed(_ speed: Int) { guarded { () throws(SystemError) in try port.setSpeed(speed) } }

    func takeBytes() -> [UInt8] {
        var bytes: [UInt8] = []
        guarded { () throws(SystemError) in bytes = try port.read() }
        return bytes
    }

    func wait(until end: Instant) -> Bool {
        guard failure == nil else { return false }
        var hasInput = false
        guarded { () throws(SystemError) in hasInput = try port.waitForInput(end - now) }
        return hasInput
    }

    private func guarded(_ body: () throws(SystemError) -> Void) {
        guard failure == nil else { return }
        do throws(SystemError) { try body() } catch { failure = error }
    }
}
