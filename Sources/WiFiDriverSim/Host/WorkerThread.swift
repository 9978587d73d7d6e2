import Glibc

/// A thread that runs one function and can be waited for.
struct WorkerThread: ~Copyable {
    private let handle: pthread_t

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Starts `body` on a new thread.
    init(_ body: @escaping @Sendable () -> Void) throws(SystemError) {
        var handle = pthread_t()
        let context = Unmanaged.passRetained(Body(body))
        let code = pthread_create(
            &handle, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context.toOpaque())
        guard code == 0 else {
            context.release()
            throw SystemError("pthread_create", code: code)
        }
        self.handle = handle
    }

    /// Waits until the thread has returned.
    consuming func join() { pthread_join(handle, nil) }
}
