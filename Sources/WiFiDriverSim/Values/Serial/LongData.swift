/// From which length on a log and a recording shorten the data on a line.
package enum LongData {
    /// Data of more bytes are shortened.
    package static let threshold = 320
    /// What stays of them, in bytes: enough for a header, as `+IPD,4,2920,"fec0:…",65535:`.
    package static let headLength = 80
}
