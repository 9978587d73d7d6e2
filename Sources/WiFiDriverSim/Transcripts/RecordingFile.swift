import WiFiSimHost
import WiFiSimValues

/// A transcript file that is written during its session.
final class RecordingFile {
    private var recorder: TranscriptRecorder
    private let file: AppendingFile
    private let path: String
    private let folder: String
    private let payloadFolder: String
    private var hasPayloadFolder = false

    /// Creates the file.
    /// - Throws: `SystemError` if the file exists or cannot be created.
    init(path: String, header: Transcript.Header, at now: Instant) throws(SystemError) {
        self.path = path
        let slash = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
        folder = String(path[..<slash])
        // For session.at the folder is session.d. Its name must be valid in a reference.
        let base = path[slash...].split(separator: ".").first.map(String.init) ?? "session"
        payloadFolder = Self.freeName(for: base.isTranscriptName ? base : "payloads", in: folder)
        recorder = TranscriptRecorder(header: header, payloadFolder: payloadFolder, at: now)
        file = try AppendingFile(new: path)
        do throws(SystemError) {
            try write(recorder.take(at: now))
        } catch {
            remove()
            throw error
        }
    }

    /// Removes the file: the session does not begin.
    func remove() { Files.remove(path) }

    /// A folder name that no other recording uses for its payloads.
    private static func freeName(for base: String, in folder: String) -> String {
        var name = "\(base).d"
        var count = 1
        while Files.exists(folder + name) {
            count += 1
            name = "\(base)-\(count).d"
        }
        return name
    }

    func update(at now: Instant, _ body: (inout TranscriptRecorder) -> Void) throws(SystemError) {
        body(&recorder)
        try write(recorder.take(at: now))
    }

    func finish(at now: Instant) throws(SystemError) { try write(recorder.finish(at: now)) }

    private func write(_ output: TranscriptRecorder.Output) throws(SystemError) {
        for (path, bytes) in output.files {
            if !hasPayloadFolder { try Folder.makeNew(folder + payloadFolder) }
            hasPayloadFolder = true
            try Files.write(bytes, to: folder + path, .secret)
        }
        if output.replacesAll {
            try file.replace(with: output.text)
        } else if !output.text.isEmpty {
            try file.append(output.text)
        }
    }
}
