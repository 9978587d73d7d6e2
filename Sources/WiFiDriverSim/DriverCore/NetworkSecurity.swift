/// How a network is protected: `ARM_WIFI_SECURITY_…` (`Driver_WiFi.h`). Except for `unknown`, the raw values are also
/// those of CWSAP's `<ecn>`.
package enum NetworkSecurity: UInt8, Sendable {
    case open, wep, wpa, wpa2
    case unknown = 255

    /// The security that CWLAP reports as `<ecn>` (ESP-AT docs, Wi-Fi, CWLAP).
    init(reported encryption: Int) {
        self =
            switch encryption {
            case 0: .open
            case 1: .wep
            case 2: .wpa
            // 4 is WPA/WPA2 and 7 is WPA2/WPA3; a WPA2 station can join both.
            case 3, 4, 7: .wpa2
            default: .unknown
            }
    }
}
