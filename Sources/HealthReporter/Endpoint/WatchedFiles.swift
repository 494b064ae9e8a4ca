import CLinux
import Glibc

/// Files whose content is used for as long as they do not change: looked at once a second at most, when something needs it.
struct WatchedFiles: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// How often the files are looked at, at most.
    static let interval = Duration.seconds(1)

    /// What tells one content of a file from another (stat(2)). Whoever replaces a file by rename changes the inode, whoever
    /// writes into it the time.
    private struct Mark: Equatable, Sendable {
        var device: UInt64
        var inode: UInt64
        var size: Int64
        var seconds: Int64
        var nanoseconds: Int64

        init?(_ path: String) {
            var mark = CLinux.clinux_file_mark()
            guard clinux_file_mark(path, &mark) == 0 else { return nil }
            (device, inode) = (mark.device, mark.inode)
            (size, seconds, nanoseconds) = (mark.size, mark.seconds, mark.nanoseconds)
        }
    }

    let paths: [String]
    private var marks: [Mark?]
    private var looked: Instant

    /// Takes the files as they are now; to be called before they are read, so that a change in between is seen.
    init(_ paths: [String], at now: Instant = .now) {
        self.paths = paths
        marks = paths.map(Mark.init)
        looked = now
    }

    /// Whether it is time to look again.
    func isDue(at now: Instant = .now) -> Bool { now - looked >= Self.interval }

    /// Whether any file is another one than when this was last said.
    mutating func haveChanged(at now: Instant = .now) -> Bool {
        guard isDue(at: now) else { return false }
        looked = now
        let next = paths.map(Mark.init)
        guard next != marks else { return false }
        marks = next
        return true
    }

    /// What a file holds, at most `limit` bytes.
    ///
    /// - Throws: `ReporterError` that names the file.
    static func read(_ path: String, upTo limit: Int, called what: String) throws(ReporterError) -> [UInt8] {
        let operation = "read \(what) \(path)"
        // What waits for a writer would be waited for here, by everybody.
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ReporterError(.storage, operation: operation, cause: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw ReporterError(
                .storage, operation: operation, cause: "it is no regular file", cure: "name a file, or a link to one")
        }
        var content: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 4_096)
        while content.count <= limit {
            let count = Glibc.read(descriptor, &part, part.count)
            if count == 0 { return content }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw ReporterError(.storage, operation: operation, cause: String(cString: strerror(errno)))
            }
            content += part[..<count]
        }
        throw ReporterError(.malformed, operation: operation, cause: "it is longer than \(limit) bytes")
    }
}
