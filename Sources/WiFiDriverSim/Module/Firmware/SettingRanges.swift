import WiFiSimValues

/// Seconds between attempts to join a network; 0 means no attempts (ESP-AT docs, Wi-Fi, CWRECONNCFG).
typealias ReconnectInterval = Bounded<0, 7200>

/// One bit each for 802.11 b, g, n and Espressif's long range (ESP-AT docs, Wi-Fi, CWSTAPROTO).
typealias RadioProtocols = Bounded<1, 15>
