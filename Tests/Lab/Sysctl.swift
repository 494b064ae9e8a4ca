/// Sysctls of the calling thread's namespace, by their files: sysctl(8) is in a package that not every system has.
public enum Sysctl {
    /// Sets one, written as sysctl.conf(5) has it: `net.ipv4.conf.eth0.arp_ignore=1`, with slashes where a name holds dots.
    public static func set(_ assignment: some StringProtocol) throws {
        guard let equals = assignment.firstIndex(of: "=") else { throw LabError("\(assignment): no value") }
        try LabFile.write(String(assignment[assignment.index(after: equals)...]), to: path(assignment[..<equals]))
    }

    /// The value of one.
    public static func value(_ name: String) throws -> String {
        let text = try Command.require("cat \(path(name))").output
        return String(text.prefix { $0 != "\n" })
    }

    static func path(_ name: some StringProtocol) -> String {
        "/proc/sys/" + (name.contains("/") ? String(name) : String(name.map { $0 == "." ? "/" : $0 }))
    }

    /// The words of a command that prints every sysctl of IPv4 and IPv6 that stands still by itself.
    static let listing = [
        "grep", "-rs", "", "/proc/sys/net/ipv4/conf", "/proc/sys/net/ipv4/neigh", "/proc/sys/net/ipv4/ip_forward",
        "/proc/sys/net/ipv6/conf",
    ]
}
