import Foundation
import Testing
@testable import WiFiSimModule

/// The driver's core with the simulated module, in virtual time, with a fault at a random byte.
@Suite struct `In virtual time, the driver` {
    private static let length = 60

    /// A setting of `Scripts/simulate.sh`: the number of calls, the time limit or the first seed.
    private static func setting(_ name: String) -> Double? {
        ProcessInfo.processInfo.environment[name].flatMap { Double($0) }
    }

    @Test func `ends every call in time with a documented code, loses no byte, and leaves nothing behind`() {
        let calls = Int(Self.setting("WIFISIM_SIMULATE_CALLS") ?? 10_000)
        let end = Self.setting("WIFISIM_SIMULATE_SECONDS").map { Date(timeIntervalSinceNow: $0) }
        let first = UInt64(Self.setting("WIFISIM_SIMULATE_SEED") ?? 1)
        var (seed, count, faults) = (first, 0, 0)
        while end.map({ Date() < $0 }) ?? (count < calls) {
            let script = DriverScript.random(seed, length: Self.length)
            let run = ScriptRun(script)
            count += run.callCount
            faults += run.faultCount
            if let failure = run.failure {
                Issue.record("seed \(seed): \(failure)\n\(Self.shrink(script, failure))")
                break
            }
            seed += 1
        }
        print("driver simulation: seeds \(first) to \(seed), \(count) calls, \(faults) faults")
    }

    /// A session of each kind, with few bytes each, because faults are tried at every byte.
    private static let sessions: [(name: String, steps: [DriverScript.Step])] = [
        ("join", [.names(0), .leave, .join]),
        (
            "TCP",
            [
                .create(isStream: true), .connect(0, .echo), .wait(milliseconds: 10), .send(0, count: 10),
                .wait(milliseconds: 20), .receive(0), .receive(0), .close(0), .wait(milliseconds: 20),
            ]
        ),
        (
            "UDP",
            [
                .create(isStream: false), .bind(0, port: 4000), .wait(milliseconds: 10), .send(0, count: 10),
                .wait(milliseconds: 20), .receive(0), .close(0), .wait(milliseconds: 20),
            ]
        ),
        (
            "server",
            [
                .create(isStream: true), .bind(0, port: 4000), .listen(0), .wait(milliseconds: 10),
                .peerConnects(port: 4000), .peerSends(count: 10), .wait(milliseconds: 50), .accept(0),
                .wait(milliseconds: 50), .receive(1), .peerCloses, .wait(milliseconds: 50), .receive(1), .close(1),
                .close(0), .wait(milliseconds: 20),
            ]
        ),
    ]

    @Test(arguments: Firmware.all)
    func `survives a reset, a silence and a lost byte at each byte of every kind of session`(firmware: Firmware) {
        // swift test checks some of the bytes, Scripts/simulate.sh the others.
        let stride = Int(Self.setting("WIFISIM_SIMULATE_STRIDE") ?? 29)
        var count = 0
        for (name, steps) in Self.sessions {
            let script = DriverScript(firmware: firmware, seed: 1, steps: steps)
            let clean = ScriptRun(script)
            #expect(clean.failure == nil, "\(name)")
            for position in Swift.stride(from: 0, to: clean.byteCount, by: stride) {
                for fault in [LineFault.reset, .silence, .lost] {
                    count += 1
                    guard let failure = ScriptRun(script, fault: (fault, position)).failure else { continue }
                    Issue.record("\(name), \(fault) at byte \(position): \(failure)")
                }
            }
        }
        print("driver simulation: \(firmware), \(count) sessions with a fault")
    }

    @Test(arguments: Firmware.all)
    func `survives every fault of the catalogue at every place of every kind of session`(firmware: Firmware) {
        let stride = Int(Self.setting("WIFISIM_SIMULATE_STRIDE") ?? 29)
        var count = 0
        for (name, steps) in Self.sessions {
            let script = DriverScript(firmware: firmware, seed: 1, steps: steps)
            let cells = ScriptRun(script).places.flatMap { place in
                CatalogueFault.all.filter { $0.isPossible(at: place) }.map { $0.fault(at: place) }
            }
            for index in Swift.stride(from: count % stride, to: cells.count, by: stride) {
                count += 1
                let run = ScriptRun(script, moduleFault: cells[index])
                #expect(run.faultCount > 0, "\(name), \(cells[index]) has not happened")
                guard let failure = run.failure else { continue }
                Issue.record("\(name), \(cells[index]): \(failure)")
            }
        }
        print("driver sweep: \(firmware), \(count) sessions with a fault of the catalogue")
    }

    @Test(arguments: [4990, 5000, 5010, 7000], 1...8 as ClosedRange<UInt64>)
    func `loses no bytes when the answer to a read comes at the end of its time, or later`(
        milliseconds: Int, seed: UInt64
    ) {
        let fault = Fault(.command("CIPRECVDATA", .nth(1)), .bytes(.delay(.milliseconds(milliseconds)), of: .answer))
        for firmware in Firmware.all {
            let script = DriverScript(firmware: firmware, seed: seed, steps: Self.sessions[1].steps)
            let run = ScriptRun(script, moduleFault: fault)
            #expect(run.failure == nil, "\(firmware)")
        }
    }

    /// Removes steps as long as the script fails in the same way.
    private static func shrink(_ script: DriverScript, _ failure: String) -> DriverScript {
        var best = script
        var size = best.steps.count / 2
        while size > 0 {
            var position = 0
            while position < best.steps.count {
                var smaller = best
                smaller.steps.removeSubrange(position..<min(position + size, best.steps.count))
                if ScriptRun(smaller).failure == failure { best = smaller } else { position += size }
            }
            size /= 2
        }
        return best
    }
}
