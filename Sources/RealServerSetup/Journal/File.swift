internal import Glibc

/// The few file operations this module needs, with errors that name the operation and the path.
enum File {
    static func failure(_ operation: String, _ path: String, _ code: Int32 = errno) -> SetupError {
        .file(operation: operation, path: path, reason: String(cString: strerror(code)))
    }

    /// The whole content, or nil where there is no such file. Meant for small files: `/proc`, the journal.
    static func read(_ path: String) throws(SetupError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("read", path)
        }
        defer { close(descriptor) }
        var content: [UInt8] = []
        // A sysctl's reader has the kernel clear as much memory as it has room for (`proc_sys_call_handler()`).
        var buffer = [UInt8](repeating: 0, count: 1 << 11)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("read", path) }
            guard count > 0 else { return content }
            content += buffer[..<count]
        }
    }

    /// Writes `content` in one go to `path`, opened with `flags`, and waits until it is on its medium.
    /// Sysctls take a value only in one write(2) at offset 0.
    static func write(_ content: [UInt8], to path: String, flags: Int32) throws(SetupError) {
        let descriptor = open(path, flags | O_WRONLY | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure("write", path) }
        defer { close(descriptor) }
        let count = Glibc.write(descriptor, content, content.count)
        guard count == content.count else { throw failure("write", path, count < 0 ? errno : ENOSPC) }
        // /proc knows no fsync (EINVAL) and needs none.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure("sync", path) }
    }

    /// Removes a file; that it is gone already is not an error.
    static func remove(_ path: String) throws(SetupError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
    }

    /// Whether a Unix socket is there.
    static func isSocket(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
    }

    static func rename(_ old: String, to new: String) throws(SetupError) {
        guard Glibc.rename(old, new) == 0 else { throw failure("rename \(old) to", new) }
    }

    /// The names in a folder.
    static func names(in path: String) throws(SetupError) -> [String] {
        guard let directory = opendir(path) else { throw failure("list", path) }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
