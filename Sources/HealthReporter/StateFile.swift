import Glibc

/// A small file that is replaced as a whole: a reader sees the old content or the new, also after a loss of power.
struct StateFile: Sendable {
    let path: String

    /// The file at `path`.
    init(path: String) {
        self.path = path
    }

    /// A file in `directory`.
    init(_ name: String, in directory: String) {
        path = directory.hasSuffix("/") ? directory + name : directory + "/" + name
    }

    private var directory: String {
        path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }

    /// The content, or nil where there is no such file.
    func read() throws(ReporterError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 {
            if errno == ENOENT { return nil }
            throw failure("read", errno)
        }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { return content }
            if count < 0 {
                if errno == EINTR { continue }
                throw failure("read", errno)
            }
            content += buffer[..<count]
        }
    }

    /// Replaces the content. When this returns, it is on the disk; when it throws, the old content is untouched.
    ///
    /// 1. The new content goes to a file beside it and to the disk, so that the name never points at half of it.
    /// 2. The name moves over to it at once (rename(2)).
    /// 3. The folder goes to the disk: without that the rename may be lost.
    func write(_ content: [UInt8]) throws(ReporterError) {
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("write", errno) }
        var written = 0
        while written < content.count {
            let count = content[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw abandon(temporary, descriptor, errno) }
            written += count
        }
        guard fsync(descriptor) == 0 else { throw abandon(temporary, descriptor, errno) }
        guard close(descriptor) == 0, rename(temporary, path) == 0 else { throw abandon(temporary, nil, errno) }
        try synchronizeDirectory()
    }

    /// Creates the folder where it is missing; its parent must exist.
    func createDirectory() throws(ReporterError) {
        guard mkdir(directory, 0o755) == 0 || errno == EEXIST else {
            throw ReporterError(
                .storage, operation: "create the folder \(directory)", cause: Self.words(errno),
                cure: "create it, or set `state_dir` to a folder the agent may write in")
        }
    }

    private func synchronizeDirectory() throws(ReporterError) {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("write", errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("write", errno) }
    }

    private func abandon(_ temporary: String, _ descriptor: CInt?, _ number: CInt) -> ReporterError {
        if let descriptor { close(descriptor) }
        unlink(temporary)
        return failure("write", number)
    }

    private func failure(_ verb: String, _ number: CInt) -> ReporterError {
        let cure =
            switch number {
            case ENOSPC, EDQUOT: "make room on the file system of \(directory)"
            case EACCES, EPERM, EROFS: "let the agent read and write \(directory)"
            case ENOENT: "create \(directory)"
            default: ""
            }
        return ReporterError(.storage, operation: "\(verb) \(path)", cause: Self.words(number), cure: cure)
    }

    private static func words(_ number: CInt) -> String {
        String(cString: strerror(number))
    }
}
