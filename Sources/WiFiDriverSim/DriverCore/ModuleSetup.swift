/// Sets up the module as every session needs it. Runs after power-up and after an unexpected restart.
final class ModuleSetup: LineWork {
    private(set) var isDone = false
    private var state = State.beginning

    private enum State {
        case beginning
        case echo
        case version
        case store
        case mode
        case leave
        case multiplex
        case peerInformation
        case messages(showsSource: Bool, isRepeated: Bool = false)
        case passive(showsSource: Bool)
        case ipv6
        case options
    }

    override func next(_ reply: Reply?, _ core: DriverCore) -> LineStep {
        let succeeded = reply?.isDone ?? false
        switch state {
        case .beginning:
            state = .echo
            return .command(.literal("ATE0"))
        case .echo:
            guard succeeded else { return .end }
            state = .version
            return .command(CommandText("GMR"))
        case .version:
            guard let reply, reply.isDone else { return .end }
            core.versionLines = reply.lines.filter { !$0.starts(with: "AT+GMR".utf8) }
            core.dialect = DriverDialect(versionLines: core.versionLines)
            state = .store
            // Settings must not survive a restart, because the module's flash belongs to its owner.
            if core.dialect.hasSystemStore { return .command(CommandText("SYSSTORE").field(0)) }
            return next(nil, core)
        case .store:
            core.mode = 1
            state = .mode
            return .command(CommandText(core.dialect.volatile("CWMODE")).field(core.mode))
        case .mode:
            guard succeeded else { return .end }
            state = .leave
            // The module may join a network from its flash by itself.
            return .command(CommandText("CWQAP"))
        case .leave:
            core.forgetNetwork()
            state = .multiplex
            return .command(CommandText("CIPMUX").field(1))
        case .multiplex:
            guard succeeded else { return .end }
            state = .peerInformation
            return .command(CommandText("CIPDINFO").field(1))
        case .peerInformation:
            state = .messages(showsSource: succeeded)
            // Adds details to the reports of new links. Without them, the driver has to ask.
            return .command(CommandText("SYSMSG").field(2))
        case .messages(let showsSource, let isRepeated):
            if !succeeded, !isRepeated, core.dialect.isGeneration1 {
                state = .messages(showsSource: showsSource, isRepeated: true)
                return .command(CommandText("SYSMSG_CUR").field(2))
            }
            state = .passive(showsSource: showsSource)
            return .command(
                core.dialect.hasReceiveType
                    ? CommandText("CIPRECVTYPE").field(5).field(1) : CommandText("CIPRECVMODE").field(1))
        case .passive(let showsSource):
            core.receivesPassively = succeeded
            core.pushingLinks = []
            core.parser.readsShowSource = showsSource && core.dialect.readsShowSource
            state = .ipv6
            if core.dialect.hasIPv6 { return .command(CommandText("CIPV6").field(1)) }
            return next(nil, core)
        case .ipv6:
            state = .options
            return .first(Commands(DriverOptions.Interface.allCases.flatMap { core.chosenOptions(of: $0) }))
        case .options:
            isDone = core.trust == .found && !core.isLineLost
            return .end
        }
    }
}

/// Sends commands one after the other, and ignores the replies.
final class Commands: LineWork {
    private var commands: ArraySlice<CommandText>

    init(_ commands: [CommandText]) { self.commands = commands[...] }

    override func next(_ reply: Reply?, _ core: DriverCore) -> LineStep {
        commands.popFirst().map { .command($0) } ?? .end
    }
}

/// Sends one command, and keeps its reply.
final class SingleCommand: LineWork {
    private var command: CommandText?
    private let expectation: CommandExchange.Expectation
    private let timeout: Duration?
    private(set) var reply = Reply(outcome: .timedOut)

    init(
        _ command: CommandText, expecting expectation: CommandExchange.Expectation = .nothing, timeout: Duration? = nil
    ) {
        self.command = command
        self.expectation = expectation
        self.timeout = timeout
    }

    override func next(_ reply: Reply?, _ core: DriverCore) -> LineStep {
        if let command = command.take() { return .command(command, expecting: expectation, timeout: timeout) }
        if let reply { self.reply = reply }
        return .end
    }

    override func failed(_ core: DriverCore) {
        if case .unavailable(let outcome)? = ending { reply = Reply(outcome: outcome) }
    }
}
