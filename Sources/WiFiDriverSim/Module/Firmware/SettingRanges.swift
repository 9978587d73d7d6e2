import WiFiSimValues

/// Seconds between attempts to join a network; 0 never tries (ESP-AT docs, Wi-Fi, CWRECONNCFG).
typealias ReconnectInterval = Bounded<0, 7200>

/// A bit for each of 802.11 b, g, n and Espressif's long range (ESP-AT docs, Wi-Fi, CWSTAPROTO).
typealias RadioProtocols = Bounded<1, 15>
