/// A transcript file that is written while its session goes on.
final class RecordingFile {
    private var recorder: TranscriptRecorder
    private let file: AppendingFile
    private let folder: String
    private let payloadFolder: String

    /// Makes the file.
    init(path: String, header: Transcript.Header, at now: Instant) throws(SystemError) {
        let slash = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
        folder = String(path[..<slash])
        // As session.d beside session.at; its name must not hold what a reference cannot.
        let base = path[slash...].split(separator: ".").first.map(String.init) ?? "session"
        payloadFolder = (base.isTranscriptName ? base : "payloads") + ".d"
        recorder = TranscriptRecorder(header: header, payloadFolder: payloadFolder, at: now)
        file = try AppendingFile(new: path)
        try write(recorder.take(at: now))
    }

    func update(at now: Instant, _ body: (inout TranscriptRecorder) -> Void) throws(SystemError) {
        body(&recorder)
        try write(recorder.take(at: now))
    }

    func finish(at now: Instant) throws(SystemError) { try write(recorder.finish(at: now)) }

    private func write(_ output: (files: [(path: String, bytes: [UInt8])], text: String)) throws(SystemError) {
        for (path, bytes) in output.files {
            try Folder.make(folder + payloadFolder)
            try Files.write(bytes, to: folder + path, mode: 0o644)
        }
        if !output.text.isEmpty { try file.append(output.text) }
    }
}
