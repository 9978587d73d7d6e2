// What a user of WiFiDriverSim sees: the public symbols of the layers.
@_exported import WiFiSimDaemon
@_exported import WiFiSimHost
@_exported import WiFiSimModule
@_exported import WiFiSimSimulation
@_exported import WiFiSimTranscripts
@_exported import WiFiSimValues
