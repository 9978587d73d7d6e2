/// The name server that DHCP gives to modules on the host's network: it knows the world's names, and asks the system's resolver
/// for others, as QEMU's does. Belongs to the event loop's thread.
final class NameServer {
    private let names: [String: [IPAddress]]
    /// `nil` where no others are to be asked for.
    private let resolver: Resolver?
    /// Names that the resolver is asked for at the moment. Further ones fail, so that a client without patience does not
    /// make threads without end.
    private var lookUpCount = 0
    private static let lookUpLimit = 32

    init(names: [String: [IPAddress]], resolver: Resolver?) {
        self.names = names
        self.resolver = resolver
    }

    /// The answer to a message; `nil` where there is none, or the resolver is asked, and `later` gets it.
    func answer(to message: [UInt8], limit: Int, later: @escaping ([UInt8]) -> Void) -> [UInt8]? {
        switch DNSMessage.read(message) {
        case nil: return nil
        case .refused(let answer)?: return answer
        case .question(let question)?:
            func answer(_ outcome: DNSMessage.Outcome) -> [UInt8] {
                DNSMessage.answer(to: question, outcome, limit: limit)
            }
            guard let name = question.name else { return answer(.unknown) }
            if let known = names[name] { return answer(known.isEmpty ? .unknown : .found(known)) }
            guard let resolver else { return answer(.unknown) }
            guard lookUpCount < Self.lookUpLimit else { return answer(.failed) }
            lookUpCount += 1
            resolver.resolve(name, nil) { [weak self] addresses in
                self?.lookUpCount -= 1
                later(answer(addresses.map { $0.isEmpty ? .unknown : .found($0) } ?? .failed))
            }
            return nil
        }
    }
}
