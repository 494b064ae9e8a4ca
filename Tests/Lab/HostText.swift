/// A host as text: what must be the same after as before.
public enum HostText {
    /// Addresses, links, routes, rules and the IPv4 and IPv6 sysctls of the calling thread's namespace, and the files below
    /// `directory` with their content.
    public static func read(filesBelow directory: String) throws -> String {
        var text = ""
        for words in ["ip -d addr show", "ip route show table all", "ip rule show"] {
            text += "$ \(words)\n\(try Command.require(words).output)\n"
        }
        text += try sorted(Command.run(Sysctl.listing).output) + "\n"
        let files = try Command.require("find \(directory) -printf %P:%y:%m:%u\\n").output
        return text + sorted(files)
    }

    static func sorted(_ lines: String) -> String { lines.split(separator: "\n").sorted().joined(separator: "\n") }

    /// The lines that only one of two texts has, as diff(1) marks them; empty where they are equal.
    public static func difference(_ before: String, _ after: String) -> String {
        guard before != after else { return "" }
        let old = before.split(separator: "\n", omittingEmptySubsequences: false)
        let new = after.split(separator: "\n", omittingEmptySubsequences: false)
        let changes = new.difference(from: old).map { change in
            switch change {
            case .remove(_, let line, _): "- \(line)"
            case .insert(_, let line, _): "+ \(line)"
            }
        }
        return changes.joined(separator: "\n")
    }
}
