import WiFiSimHost
import WiFiSimModule
import WiFiSimValues

/// Carries out the commands of the control socket on a loop's modules.
///
/// Belongs to the event loop's thread.
final class SimulatorControl {
    private unowned let modules: ModuleLoop
    private let log: Log
    private let observer: (any ModuleObserver)?
    private var server: ControlServer?

    init(_ modules: ModuleLoop, log: Log, observer: (any ModuleObserver)? = nil) {
        self.modules = modules
        self.log = log
        self.observer = observer
    }

    /// Serves the commands on a socket at `path`.
    func serve(at path: String) throws(SystemError) {
        server = try ControlServer(at: path, on: modules.loop) { [unowned self] in try carryOut($0) }
    }

    /// Ends all connections and removes the socket's file.
    func close() {
        server?.close()
        server = nil
    }

    private func carryOut(_ command: ControlCommand) throws -> [UInt8] {
        let now = modules.loop.now
        let answer = try answer(command)
        observer?.saw(command, at: now)
        return answer
    }

    private func answer(_ command: ControlCommand) throws -> [UInt8] {
        switch command {
        case .state: return ControlMessage.line(state)
        case .faults:
            return ControlMessage.line(FaultList(modules: modules.hosts.map { $0.module.faultStates }))
        case .change(let change):
            try modules.air.make(change, at: modules.loop.now)
            log.write("control: \(change.text(quoting: Words.quoted))")
        case .module(let index, let action):
            guard modules.hosts.indices.contains(index) else {
                throw ControlError("there is no module \(index); there are 0 to \(modules.hosts.count - 1)")
            }
            let host = modules.hosts[index]
            switch action {
            case .reset: host.reset()
            case .power(let isOn): host.power(isOn: isOn)
            case .pin(let number, let isHigh): host.module.setPin(number, isHigh: isHigh)
            case .report(let line):
                guard host.report(line) else {
                    throw ControlError("the line of module \(index) has no room: its output is not being read")
                }
            }
        }
        return ControlMessage.done
    }

    private struct FaultList: Encodable {
        /// The faults of each module.
        let modules: [[ModuleState.FaultEntry]]
    }

    private var state: WorldState {
        WorldState(
            modules: modules.hosts.enumerated().map { index, host in
                ModuleState(host.module, index: index, tty: host.line.name, uart: host.uart?.counts)
            },
            accessPoints: modules.air.accessPoints.map { accessPoint in
                let stations = modules.air.members(of: accessPoint.bssid).compactMap { $0.state.joined?.station }
                return AccessPointState(
                    accessPoint, isSoftAP: !accessPoint.network.hasRouter, stations: stations.map { "\($0)" })
            })
    }
}
