import CDriverWiFi

/// Switches the module on or off. It takes the line from any other work.
class PowerWork: LineWork {
    final var isDone = false
}

/// Brings the module from any state into a known one, and sets it up.
final class PowerOn: PowerWork {
    private var state = State.beginning

    private enum State {
        case beginning
        case waking(Awakening)
        case restarting
        case wakingAgain(Awakening)
        case settingUp(ModuleSetup)
    }

    override func next(_ reply: Reply?, _ core: DriverCore) -> LineStep {
        switch state {
        case .beginning:
            if core.isLineLost { return .end }
            core.abortEverything()
            core.needsSetup = false
            core.parser.reset()
            core.sink = .discard
            let awakening = Awakening()
            state = .waking(awakening)
            return .first(awakening)
        case .waking(let awakening):
            // A busy module of version 2.0 or later takes this one command. An older one answers busy until it is free.
            if awakening.result == .silent { return .end }
            if awakening.result == .awake { core.missingBytes = 0 }
            core.trust = .found
            state = .restarting
            return .command(CommandText("RST"), timeout: .seconds(8), expectsReset: true)
        case .restarting:
            if core.isLineLost { return .end }
            let awakening = Awakening()
            state = .wakingAgain(awakening)
            return .first(awakening)
        case .wakingAgain(let awakening):
            guard awakening.result == .awake else { return .end }
            core.missingBytes = 0
            core.power = .full
            let setup = ModuleSetup()
            state = .settingUp(setup)
            return .first(setup)
        case .settingUp(let setup):
            isDone = setup.isDone
            if !isDone { core.power = .off }
            return .end
        }
    }
}

/// Makes the module answer AT, and ends a data mode first if necessary.
private final class Awakening: LineWork {
    enum Result { case awake, busy, silent }

    private(set) var result = Result.silent
    private var attempt = 0
    private var state = State.asking

    private enum State { case asking, asked, filled, escaping, escaped, rested }

    override func next(_ reply: Reply?, _ core: DriverCore) -> LineStep {
        switch state {
        case .asking:
            if attempt == 2, let filler = core.filler {
                state = .filled
                return .bytes(filler)
            }
            if attempt == 3 {
                // The escape sequence ends a data mode. It has no line end and needs silence around it (ESP-AT docs,
                // TCP-IP, +++).
                state = .escaping
                return .rest(.seconds(1))
            }
            return ask(core)
        case .escaping:
            state = .escaped
            return .bytes(Array("+++".utf8))
        case .escaped:
            state = .rested
            return .rest(.milliseconds(1100))
        case .filled, .rested: return ask(core)
        case .asked:
            switch reply?.outcome {
            case .done: result = .awake
            case .stillBusy: result = .busy
            case .lineLost, nil: result = .silent
            case .refused, .notDelivered, .moduleReset, .timedOut:
                attempt += 1
                guard attempt < 6 else { return .end }
                state = .asking
                return next(nil, core)
            }
            return .end
        }
    }

    private func ask(_ core: DriverCore) -> LineStep {
        core.trust = .found
        state = .asked
        return .command(.literal("AT"), timeout: .milliseconds(500))
    }
}

/// Closes and stops everything in the module.
final class PowerOff: PowerWork {
    private var commands: ArraySlice<CommandText>?

    override func next(_ reply: Reply?, _ core: DriverCore) -> LineStep {
        if commands == nil {
            if core.trust == .lost { core.trust = .found }
            commands = [
                CommandText("CIPSERVER").field(0), CommandText("CIPCLOSE").field(5), CommandText("CWQAP"),
                CommandText(core.dialect.volatile("CWMODE")).field(1),
            ].prefix(core.mode == 1 ? 3 : 4)
        }
        return commands?.popFirst().map { .command($0, timeout: .seconds(1)) } ?? .end
    }
}

extension DriverCore {
    /// Closes all sockets, because there are none without power.
    fileprivate func dropSockets() {
        for socket in sockets { socket?.isClosed = true }
        sockets = Array(repeating: nil, count: Self.socketLimit)
        abortEverything()
    }
}

/// PowerControl.
final class PowerCall: PendingCall {
    private let target: DriverCore.Power
    private var state = State.beginning

    private enum State {
        case beginning
        case switchingOn(PowerOn, thenSleeping: Bool)
        case switchingOff(PowerOff?)
        case sleeping(SingleCommand, isDeep: Bool)
        case waking(SingleCommand)
    }

    init(_ id: CallID, to target: DriverCore.Power) {
        self.target = target
        super.init(id)
    }

    override func proceed(_ core: DriverCore) {
        switch state {
        case .beginning: begin(core)
        case .switchingOn(let work, let sleeps):
            guard work.ending != nil else { return }
            guard work.isDone else {
                core.dropSockets()
                return fail(core)
            }
            if sleeps { sleep(core) } else { succeed(core) }
        case .switchingOff(let work):
            guard work.map({ $0.ending != nil }) ?? true else { return }
            core.dropSockets()
            core.power = .off
            succeed(core)
        case .sleeping(let work, let isDeep):
            guard work.ending != nil else { return }
            guard work.reply.isDone else { return fail(core) }
            if isDeep { core.abortEverything() }
            core.power = .low
            succeed(core)
        case .waking(let work):
            guard work.ending != nil else { return }
            work.reply.isDone ? succeed(core) : fail(core)
        }
    }

    private func begin(_ core: DriverCore) {
        switch (core.power, target) {
        case (.uninitialized, _): fail(core)
        case (_, .uninitialized): core.finish(self, .failure(.driver(.invalidParameter)))
        case (.off, .off), (.full, .full), (.low, .low): succeed(core)
        case (_, .off): switchOff(core)
        case (.off, .full): switchOn(core)
        case (.off, .low): switchOn(core, thenSleeping: true)
        case (.low, .full): wake(core)
        case (_, .low): sleep(core)
        }
    }

    private func succeed(_ core: DriverCore) { core.finish(self, .success(.nothing)) }
    private func fail(_ core: DriverCore) { core.finish(self, .failure(.driver(.unspecified))) }

    private func take(_ work: PowerWork, _ core: DriverCore) {
        core.isSwitchingPower = true
        core.hurryBlock()
        start(work, isLong: true, on: core)
        core.advanceLine()
    }

    private func switchOn(_ core: DriverCore, thenSleeping sleeps: Bool = false) {
        guard !core.isLineLost else { return fail(core) }
        let work = PowerOn()
        state = .switchingOn(work, thenSleeping: sleeps)
        take(work, core)
    }

    private func switchOff(_ core: DriverCore) {
        // Before the module reports the links that close now, so that they do not count as closed by the peer.
        for socket in core.sockets { socket?.isClosed = true }
        // Nothing is read any more, so nothing may hold the line back.
        for connection in core.links.compactMap({ $0 }) { connection.discards = true }
        guard !core.isLineLost, core.power == .full, !core.needsSetup else {
            state = .switchingOff(nil)
            return proceed(core)
        }
        let work = PowerOff()
        state = .switchingOff(work)
        take(work, core)
    }

    /// Modem sleep, or deep sleep if LP_TIMER is set, for that many seconds. Deep sleep ends with a restart.
    private func sleep(_ core: DriverCore) {
        let seconds = core.options.number(UInt32(ARM_WIFI_LP_TIMER), of: .station)
        let command =
            seconds > 0 ? CommandText("GSLP").field(UInt64(seconds) * 1000) : CommandText("SLEEP").field(1)
        let work = SingleCommand(command)
        state = .sleeping(work, isDeep: seconds > 0)
        start(work, on: core)
    }

    private func wake(_ core: DriverCore) {
        core.power = .off
        if core.options.number(UInt32(ARM_WIFI_LP_TIMER), of: .station) > 0 { return switchOn(core) }
        core.power = .full
        let work = SingleCommand(CommandText("SLEEP").field(0))
        state = .waking(work)
        start(work, on: core)
    }
}
