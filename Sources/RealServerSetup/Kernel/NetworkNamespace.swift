internal import Glibc

/// Network namespaces by the inode that names them (namespaces(7)).
enum NetworkNamespace {
    /// The calling thread's.
    static func current() throws(SetupError) -> UInt64 {
        let path = "/proc/thread-self/ns/net"
        guard let inode = inode(path) else { throw File.failure("read", path) }
        return inode
    }

    /// Whether one can still be reached: a process that this one may look at is in it, or `ip netns` has a name for it.
    static func exists(inode wanted: UInt64) -> Bool {
        let processes = ((try? File.names(in: "/proc")) ?? []).filter { $0.allSatisfy(\.isNumber) }
        let named = (try? File.names(in: "/run/netns")) ?? []
        return processes.contains { inode("/proc/\($0)/ns/net") == wanted }
            || named.contains { inode("/run/netns/\($0)") == wanted }
    }

    private static func inode(_ path: String) -> UInt64? {
        var status = stat()
        return stat(path, &status) == 0 ? UInt64(status.st_ino) : nil
    }
}
