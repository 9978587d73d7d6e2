import WiFiSimValues

/// How a station learns an access point's SSID and password other than over its serial line.
public enum Provisioning: Equatable, Sendable {
    /// WPS with a push button, of an access point on one of these channels.
    case wps(channels: ClosedRange<Int>)
    /// SmartConfig, from a phone. `key` decrypts ESP-TOUCH v2.
    case smartConfig(Set<SmartConfig>, key: String?)
}

/// The protocols of SmartConfig (ESP-AT docs, Wi-Fi, CWSTARTSMART).
public enum SmartConfig: String, Sendable, CaseIterable {
    case espTouch = "esptouch"
    case airKiss = "airkiss"
    case espTouchV2 = "esptouch-v2"
}

/// The credentials that a station has learned.
public struct Credentials: Equatable, Sendable {
    /// The SSID of the access point to join.
    public var ssid: String
    /// Its password, empty for an open network.
    public var password: String
    /// The protocol of the phone. `nil` with WPS.
    public var smartConfig: SmartConfig?
}

extension Air {
    /// A radio that waits for credentials.
    struct Learner {
        let provisioning: Provisioning
        var state: State

        enum State {
            /// Waits for a pressed button or a phone, until then at the latest.
            case waiting(until: Instant?)
            case learning(Credentials, from: MACAddress?, until: Instant, givesUp: Instant?)
        }

        var deadline: Instant? {
            switch state {
            case .waiting(let until): until
            case .learning(_, _, let until, _): until
            }
        }
    }

    /// Presses an access point's WPS button. For two minutes, the first station that asks receives the password.
    /// Ignored if the access point is off or has no WPS.
    public func pressButton(_ bssid: MACAddress, at now: Instant) {
        guard let index = cell(of: bssid), cells[index].accessPoint.isOn, cells[index].accessPoint.hasWPS else {
            return
        }
        cells[index].buttonUntil = now + Timing.wpsWalk
        matchButtons(at: now)
    }

    /// Sends credentials from a phone to all stations that listen for this protocol.
    /// - Parameters:
    ///   - ssid: the SSID of the access point to join.
    ///   - password: the password, empty for an open network.
    ///   - type: the protocol.
    ///   - key: the key of ESP-TOUCH v2. A station with another key receives nothing.
    ///   - now: the time.
    public func smartConfig(
        ssid: String, password: String = "", _ type: SmartConfig = .espTouch, key: String? = nil, at now: Instant
    ) {
        let credentials = Credentials(ssid: ssid, password: password, smartConfig: type)
        changeLearners { learner in
            guard case .smartConfig(let types, let expected) = learner.provisioning, types.contains(type),
                type != .espTouchV2 || expected == key, case .waiting = learner.state
            else { return }
            learner.state = .learning(credentials, from: nil, until: now + Timing.smartConfig, givesUp: nil)
        }
    }

    func startLearning(_ provisioning: Provisioning, by radio: RadioID, at now: Instant) {
        let until: Instant? = if case .wps = provisioning { now + Timing.wpsWalk } else { nil }
        setLearner(Learner(provisioning: provisioning, state: .waiting(until: until)), of: radio)
        matchButtons(at: now)
    }

    /// Matches stations that wait for a button with the access point whose button is pressed. If two are pressed, the
    /// choice is ambiguous and WPS continues to wait (Wi-Fi Protected Setup, session overlap).
    private func matchButtons(at now: Instant) {
        changeLearners { learner in
            guard case .wps(let channels) = learner.provisioning, case .waiting(let givesUp) = learner.state else {
                return
            }
            let pressed = cells.map(\.accessPoint).filter { accessPoint in
                isPressed(accessPoint.bssid, at: now) && channels.contains(accessPoint.channel)
            }
            guard let accessPoint = pressed.first, pressed.count == 1,
                accessPoint.security == .open || accessPoint.security.takesPassword, accessPoint.security != .wep
            else { return }
            learner.state = .learning(
                Credentials(ssid: accessPoint.ssid, password: accessPoint.password), from: accessPoint.bssid,
                until: now + Timing.wps, givesUp: givesUp)
        }
    }

    private func isPressed(_ bssid: MACAddress, at now: Instant) -> Bool {
        guard let index = cell(of: bssid), cells[index].accessPoint.isOn else { return false }
        return cells[index].buttonUntil.map { now < $0 } ?? false
    }

    /// The next state of a learner whose deadline has come. `nil` if it has ended.
    func step(_ learner: Learner, of radio: RadioID, at now: Instant) -> Learner? {
        switch learner.state {
        case .waiting:
            emit(.learnedNothing, to: radio)
            return nil
        case .learning(let credentials, let accessPoint?, _, let givesUp):
            guard isPressed(accessPoint, at: now), let index = cell(of: accessPoint) else {
                var learner = learner
                learner.state = .waiting(until: givesUp)
                return learner
            }
            cells[index].buttonUntil = nil
            emit(.learned(credentials), to: radio)
            return nil
        case .learning(let credentials, nil, _, _):
            emit(.learned(credentials), to: radio)
            return nil
        }
    }
}
