/// When a log or a recording shortens the data on a line.
package enum LongData {
    /// In bytes: longer data is shortened.
    package static let threshold = 320
    /// In bytes: the part that is kept, enough for a header such as `+IPD,4,2920,"fec0:…",65535:`.
    package static let headLength = 80
}
