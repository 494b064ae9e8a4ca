import Glibc

/// Files whose content is used for as long as they do not change: looked at once a second at most, when something needs it.
struct WatchedFiles: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// How often the files are looked at, at most.
    static let interval = Duration.seconds(1)

    /// What tells one content of a file from another (stat(2)). Whoever replaces a file by rename changes the inode, whoever
    /// writes into it the time.
    private struct Mark: Equatable, Sendable {
        var device: UInt
        var inode: UInt
        var size: Int
        var seconds: Int
        var nanoseconds: Int

        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            device = UInt(status.st_dev)
            inode = UInt(status.st_ino)
            size = Int(status.st_size)
            seconds = Int(status.st_mtim.tv_sec)
            nanoseconds = Int(status.st_mtim.tv_nsec)
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

    /// Whether any file is another one than when this was last said.
    mutating func haveChanged(at now: Instant = .now) -> Bool {
        guard now - looked >= Self.interval else { return false }
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
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ReporterError(.storage, operation: operation, cause: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
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
