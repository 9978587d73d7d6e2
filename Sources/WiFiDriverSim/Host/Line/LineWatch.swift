/// Watches the descriptor of a line.
///
/// The kernel reports a hang-up again and again, whatever the interest. While nobody reads, the bytes before the hang-up
/// stay where they are, and the descriptor is left alone; it is watched again as soon as somebody reads.
///
/// Belongs to the event loop's thread.
final class LineWatch {
    let descriptor: FileDescriptor
    private let loop: EventLoop
    private let handler: (EventLoop.Readiness) -> Void
    private var interest: EventLoop.Interest
    private var state = State.watched

    private enum State { case watched, leftAlone, ended }

    init(
        _ descriptor: FileDescriptor, for interest: EventLoop.Interest, on loop: EventLoop,
        handler: @escaping (EventLoop.Readiness) -> Void
    ) throws(SystemError) {
        self.descriptor = descriptor
        self.loop = loop
        self.handler = handler
        self.interest = interest
        try watch()
    }

    private func watch() throws(SystemError) {
        try loop.watch(descriptor, for: interest) { [weak self] in self?.isReady($0) }
    }

    private func isReady(_ readiness: EventLoop.Readiness) {
        handler(readiness)
        guard state == .watched, readiness.hasHungUp, !interest.reads else { return }
        loop.unwatch(descriptor)
        state = .leftAlone
    }

    func update(for interest: EventLoop.Interest) {
        self.interest = interest
        switch state {
        case .watched: try? loop.update(descriptor, for: interest)
        case .leftAlone where interest.reads: if (try? watch()) != nil { state = .watched }
        case .leftAlone, .ended: break
        }
    }

    func end() {
        if state == .watched { loop.unwatch(descriptor) }
        state = .ended
    }
}
