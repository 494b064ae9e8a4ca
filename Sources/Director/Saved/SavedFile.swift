internal import Glibc

/// A file in `run_dir` in which something outlives a director, for the next one. It says who is connected to whom, or who
/// serves what: only its owner may read it.
struct SavedFile {
    let path: String
    /// The longest file that is read, in bytes.
    let limit: Int
    /// What of the configuration the limit follows from, in words.
    let bound: String

    /// The file of this name.
    init(_ name: String, inRunDirectory directory: String, limit: Int, bound: String) {
        path = Self.path(name, inRunDirectory: directory)
        self.limit = limit
        self.bound = bound
    }

    /// Where it is.
    static func path(_ name: String, inRunDirectory directory: String) -> String {
        directory.hasSuffix("/") ? "\(directory)\(name)" : "\(directory)/\(name)"
    }

    /// What is in it; nil: there is none.
    func read() throws(DirectorError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("read", DirectorError.words(errno))
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("read", DirectorError.words(errno)) }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid() || status.st_uid == 0 else {
            throw failure("read", "it is no file of the director's own")
        }
        guard status.st_size <= limit else {
            throw failure("read", "its \(status.st_size) bytes are more than \(bound) of this configuration can fill")
        }
        var content = [UInt8](repeating: 0, count: Int(status.st_size))
        var length = 0
        while length < content.count {
            let count = content.withUnsafeMutableBytes { room in
                Glibc.read(descriptor, room.baseAddress.map { $0 + length }, room.count - length)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("read", DirectorError.words(errno)) }
            guard count > 0 else { break }
            length += count
        }
        return Array(content[..<length])
    }

    /// Puts it there, whole or not at all.
    func write(_ content: [UInt8]) throws(DirectorError) {
        let temporary = path + ".new"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("write", DirectorError.words(errno)) }
        var cause: CInt?
        var written = 0
        while cause == nil, written < content.count {
            let count = content[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count <= 0 { cause = count < 0 ? errno : EIO } else { written += count }
        }
        if close(descriptor) != 0, cause == nil { cause = errno }
        if cause == nil, rename(temporary, path) != 0 { cause = errno }
        guard let cause else { return }
        unlink(temporary)
        throw failure("write", DirectorError.words(cause))
    }

    /// Removes it: what is in it is in force, or nothing is to be kept.
    func remove() {
        unlink(path)
    }

    func failure(_ verb: String, _ cause: String) -> DirectorError {
        DirectorError(operation: "\(verb) \(path)", cause: cause)
    }
}
