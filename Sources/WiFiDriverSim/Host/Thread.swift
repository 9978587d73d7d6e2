import Glibc

/// A detached thread with all signals held back, so that they reach the program that embeds it.
public struct Thread {
    private let body: @Sendable () -> Void

    public init(_ body: @escaping @Sendable () -> Void) { self.body = body }

    private final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Starts it.
    ///
    /// - Throws: `SystemError` if the system has no thread left.
    public func start() throws(SystemError) {
        var all = sigset_t()
        var previous = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &previous)
        defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(Box(body)).toOpaque()
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, argument)
        guard code == 0 else {
            Unmanaged<Box>.fromOpaque(argument).release()
            throw SystemError("pthread_create", code: code)
        }
        pthread_detach(thread)
    }
}
