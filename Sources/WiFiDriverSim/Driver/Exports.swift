// Exports the public symbols of all layers to users of WiFiDriverSim.
@_exported import WiFiSimDaemon
@_exported import WiFiSimHost
@_exported import WiFiSimModule
@_exported import WiFiSimSimulation
@_exported import WiFiSimTranscripts
@_exported import WiFiSimValues
