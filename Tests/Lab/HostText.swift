/// A host as text: what must be the same after as before.
public enum HostText {
    /// What prints addresses and links, routes, rules and packet-filter tables, all that rsagent can change but for sysctls
    /// and GUE's ports.
    static let listings = [
        "ip -d addr show", "ip route show table all", "ip rule show", "ip -6 rule show", "nft list ruleset",
    ]
    /// What prints the ports that unpack GUE. It fails where the kernel has none, and that may change under a test, as the
    /// module is loaded: so failing is the same as none.
    static let portListing = ["ip", "fou", "show"]

    /// Addresses, links, routes, rules, packet-filter tables, GUE's ports and the IPv4 and IPv6 sysctls of the calling
    /// thread's namespace, and the files below `directory`, each with its kind, mode and owner.
    public static func read(filesBelow directory: String) throws -> String {
        var text = ""
        for words in listings {
            text += "$ \(words)\n\(uncounted(try Command.require(words).output))\n"
        }
        text += try sorted(Command.run(portListing).output) + "\n"
        text += try sorted(Command.run(Sysctl.listing).output) + "\n"
        let files = try Command.require("find \(directory) -printf %P:%y:%m:%u\\n").output
        return text + sorted(files)
    }

    /// Waits until every IPv6 address has its local route, which the kernel adds a moment after the address.
    public static func settleIPv6() throws {
        try Deadline.block(until: "the IPv6 addresses have their local routes") {
            let routes = try Command.require("ip -6 route show table local").output
            return try Command.require("ip -6 -oneline addr show scope global").output.split(separator: "\n").allSatisfy
            {
                let words = $0.split(separator: " ")
                guard words.count > 3, let address = words[3].split(separator: "/").first else { return true }
                return routes.contains("local \(address) ")
            }
        }
    }

    static func sorted(_ lines: String) -> String { lines.split(separator: "\n").sorted().joined(separator: "\n") }

    /// Without what counters of the packet filter have counted: `packets 3 bytes 252`.
    static func uncounted(_ text: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            return words.indices.filter { place in
                place == 0 || !words[place].allSatisfy(\.isNumber) || words[place].isEmpty
                    || !["packets", "bytes"].contains { words[place - 1].hasSuffix($0) }
            }
            .map { String(words[$0]) }.joined(separator: " ")
        }
        return lines.joined(separator: "\n")
    }

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
