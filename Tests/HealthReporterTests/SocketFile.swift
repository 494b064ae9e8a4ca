import Glibc
import Testing

/// Socket files as tests need them.
enum SocketFile {
    /// A socket file that nobody listens on.
    static func leaveStale(at path: String) async throws -> String {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0)
        close(descriptor)
        return path
    }

    /// The permission bits of a file, in octal, as stat(1) prints them.
    static func mode(of path: String) throws -> String {
        let output = try #require(popen("stat -c %a '\(path)'", "r"))
        defer { pclose(output) }
        var line = [CChar](repeating: 0, count: 16)
        _ = fgets(&line, CInt(line.count), output)
        return String(decoding: line.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
