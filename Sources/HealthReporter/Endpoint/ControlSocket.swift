import Glibc

/// The Unix socket that `rsagent status`, `drain` and the others talk to.
enum ControlSocket {
    /// The group that may use it beside root.
    static let group = "rsagent"

    /// What is at a path.
    enum Occupant: Equatable {
        /// Nothing.
        case nobody
        /// Something nobody listens on, such as the socket that an agent leaves that was killed.
        case stale
        /// A socket somebody listens on.
        case live
        /// A socket this user may not use.
        case denied
        /// Something that cannot be asked; why, in words.
        case other(String)
    }

    /// Looks who is there: by connecting, since a socket file outlives its owner.
    static func occupant(of path: String) -> Occupant {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard path.utf8.count < capacity else { return .other("its path is longer than \(capacity - 1) bytes") }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return .other(words(errno)) }
        defer { close(descriptor) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if result == 0 { return .live }
        return switch errno {
        case ECONNREFUSED: .stale
        case ENOENT, ENOTDIR: .nobody
        case EACCES, EPERM: .denied
        default: .other(words(errno))
        }
    }

    /// Sees that a socket of our own can be made: creates the folder where it is missing.
    ///
    /// - Throws: `ReporterError` where another agent is alive, or something else is in the way.
    static func makeRoom(at path: String) throws(ReporterError) {
        let operation = "listen on \(path)"
        let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        if !directory.isEmpty, mkdir(directory, 0o755) != 0, errno != EEXIST {
            throw ReporterError(
                .listen, operation: operation, cause: "\(directory): \(words(errno))",
                cure: "create \(directory), or set `run_dir` to a folder the agent may write in")
        }
        switch occupant(of: path) {
        case .nobody: return
        // Left to the server, which removes what nobody listens on if, and only if, it is a socket.
        case .stale: return
        case .live:
            throw ReporterError(
                .listen, operation: operation, cause: "another rsagent is running and answers there",
                cure: "stop it first, or give this one a `run_dir` and a network namespace of its own")
        case .denied:
            throw ReporterError(
                .listen, operation: operation, cause: "it belongs to somebody else", cure: "run the agent as root")
        case .other(let cause):
            throw ReporterError(.listen, operation: operation, cause: cause, cure: "remove it")
        }
    }

    /// The ID of the group that may use the socket; nil where there is none. It may ask a directory server over the network
    /// (nsswitch.conf(5)), and block for as long.
    static var groupID: gid_t? { getgrnam(group)?.pointee.gr_gid }

    /// Lets root and that group, where there is one, use the socket: mode 0660.
    ///
    /// - Returns: what could not be done, in words; nil: all was.
    static func restrict(_ path: String, to groupID: gid_t?) -> String? {
        guard chmod(path, 0o660) == 0 else { return "chmod 0660 \(path): \(words(errno))" }
        guard let groupID else { return nil }
        guard chown(path, uid_t.max, groupID) == 0 else {
            return "chgrp \(group) \(path): \(words(errno))"
        }
        return nil
    }

    private static func words(_ number: CInt) -> String {
        String(cString: strerror(number))
    }
}
