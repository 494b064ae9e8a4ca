internal import Glibc

/// The programs this package builds, found beside the one that is running; the two daemons in the folder `RSLAB_PROGRAMS`, if set.
public enum Product {
    /// The agent's path.
    public static let agent = path("rsagent")
    /// The director's path.
    public static let director = path("rsdirector")
    /// The demo's path.
    public static let demo = beside("rslab-demo")

    private static func path(_ name: String) -> String {
        getenv("RSLAB_PROGRAMS").map { "\(String(cString: $0))/\(name)" } ?? beside(name)
    }

    private static func beside(_ name: String) -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let own = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
            + "/\(name)"
    }
}
