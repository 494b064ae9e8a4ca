internal import Glibc

/// The Unix socket that `rsdirector status` talks to, and the folder it is in. Removed with `withdraw()`, the folder only
/// where a director made it.
struct ControlSocket: Sendable {
    /// The socket's path.
    let path: String
    private let directory: String
    /// Lies in a folder that a director made, also one that was killed: then it is a director's to remove.
    private var marker: String { "\(directory)/made-by-rsdirector" }

    /// Where the socket is in the configuration's `run_dir`.
    static func path(inRunDirectory directory: String) -> String {
        directory.hasSuffix("/") ? "\(directory)control.sock" : "\(directory)/control.sock"
    }

    /// Makes room for the socket: makes the folder where it is missing, and removes the socket of a director that died.
    ///
    /// - Throws: `DirectorError` where a director answers there, or something else is in the way.
    init(runDirectory: String) throws(DirectorError) {
        path = Self.path(inRunDirectory: runDirectory)
        directory = runDirectory
        let operation = "listen on \(path)"
        if mkdir(runDirectory, 0o755) == 0 {
            close(open(marker, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644))
        } else if errno == EEXIST {
            let folder = open(runDirectory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard folder >= 0 else {
                throw DirectorError(
                    operation: operation, cause: "\(runDirectory): \(DirectorError.words(errno))",
                    cure: "remove it, or set `run_dir` to a folder")
            }
            close(folder)
        } else {
            throw DirectorError(
                operation: operation, cause: "mkdir \(runDirectory): \(DirectorError.words(errno))",
                cure: "create it, or set `run_dir` to a folder the director may write in")
        }
        do throws(DirectorError) {
            switch Self.occupant(of: path) {
            case .nobody: break
            case .dead: try Self.remove(path, operation)
            case .alive:
                throw DirectorError(
                    operation: operation, cause: "another rsdirector is running and answers there",
                    cure: "stop it first, or give this one a `run_dir` and a network namespace of its own")
            case .other(let cause):
                throw DirectorError(operation: operation, cause: cause, cure: "remove \(path)")
            }
        } catch {
            removeDirectoryIfMade()
            throw error
        }
    }

    /// Lets root and the socket's group use it, nobody else.
    func restrict() throws(DirectorError) {
        guard chmod(path, 0o660) == 0 else {
            throw DirectorError(operation: "chmod 0660 \(path)", cause: DirectorError.words(errno))
        }
    }

    /// Removes the socket, and the folder if a director made it and nothing is left in it for the next one.
    func withdraw() {
        unlink(path)
        removeDirectoryIfMade()
    }

    private func removeDirectoryIfMade() {
        guard access(FlowFile.path(inRunDirectory: directory), F_OK) != 0 else { return }
        guard access(JoinedFile.path(inRunDirectory: directory), F_OK) != 0 else { return }
        if unlink(marker) == 0 { rmdir(directory) }
    }

    /// What is at a path.
    enum Occupant: Equatable {
        /// Nothing.
        case nobody
        /// A socket nobody listens on: its owner was killed.
        case dead
        /// A socket somebody listens on.
        case alive
        /// Something else, in words.
        case other(String)
    }

    /// Looks who is there: by connecting, for a socket's file outlives its owner.
    static func occupant(of path: String) -> Occupant {
        // open(2) fails with ENXIO on a socket, and on nothing else that may be in a run directory.
        let opened = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)
        if opened >= 0 { close(opened) }
        guard opened < 0 else { return .other("\(path) is there and not a socket") }
        guard errno == ENXIO else {
            return errno == ENOENT || errno == ENOTDIR ? .nobody : .other(DirectorError.words(errno))
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path) - 1
        guard path.utf8.count <= room else { return .other("its path is longer than \(room) bytes") }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return .other(DirectorError.words(errno)) }
        defer { close(descriptor) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if result == 0 { return .alive }
        return errno == ECONNREFUSED ? .dead : .other(DirectorError.words(errno))
    }

    private static func remove(_ path: String, _ operation: String) throws(DirectorError) {
        guard unlink(path) == 0 else {
            throw DirectorError(
                operation: operation, cause: "unlink: \(DirectorError.words(errno))", cure: "remove \(path)")
        }
    }
}
