internal import NetworkAddress

extension Table {
    /// What a list of networks is for, in the words of its refusals.
    struct NetworkRole {
        /// A network that could be one of them.
        let example: String
        /// What to write instead of everyone, a /0.
        let insteadOfEveryone: String
        /// What an address that no host has is not.
        let nobody: String
        /// Whether this host itself, 127.0.0.0/8 and ::1, may be among them.
        let takesLoopback: Bool
    }

    /// Networks and single addresses. The list may be empty.
    func networks(_ key: String, _ role: NetworkRole) -> [Prefix] {
        var seen: Set<Prefix> = []
        return (texts(key, example: role.example, mayBeEmpty: true) ?? []).compactMap { node, text in
            guard let prefix = network(node, text, role) else { return nil }
            guard seen.insert(prefix).inserted else {
                findings.report(node, "\(prefix) is listed twice", "remove one of the two")
                return nil
            }
            return prefix
        }
    }

    private func network(_ node: Node, _ text: String, _ role: NetworkRole) -> Prefix? {
        let instead = "write a network, such as \(quoted(role.example)), or one address, such as \"10.0.0.1\""
        guard text != "any", text != "all", text != "*" else {
            findings.report(node, "\(quoted(text)) is everyone", role.insteadOfEveryone)
            return nil
        }
        guard let prefix = Prefix(text) ?? IPAddress(text).map({ Prefix(host: $0) }) else {
            let wrong = text.contains("/") ? "is not ADDRESS/LENGTH" : "is not an IP address (names are not looked up)"
            findings.report(node, "\(quoted(text)) \(wrong)", instead)
            return nil
        }
        guard prefix == prefix.withoutHostBits else {
            let wrong = "\(quoted(text)) has bits set behind its first \(prefix.length)"
            findings.report(node, wrong, "write \(quoted("\(prefix.withoutHostBits)"))")
            return nil
        }
        guard prefix.length > 0 else {
            findings.report(node, "\(quoted(text)) is everyone", role.insteadOfEveryone)
            return nil
        }
        guard prefix.holdsHosts || (role.takesLoopback && prefix.address.isLoopback) else {
            let wrong = "\(quoted(text)) is \(prefix.address.whyNoHost), \(role.nobody)"
            findings.report(node, wrong, instead)
            return nil
        }
        return prefix
    }
}

extension Prefix {
    /// The network alone: the same length, all bits behind it zero.
    var withoutHostBits: Prefix {
        var network = self
        switch address {
        case .v4(let address):
            network.address = .v4(IPv4Address(rawValue: address.rawValue & ~(UInt32.max >> UInt32(length))))
        case .v6(let address):
            // Swift's shift by the whole width or more gives 0, as is needed here.
            let high = address.high & ~(UInt64.max >> UInt64(length))
            let low = address.low & ~(length > 64 ? UInt64.max >> UInt64(length - 64) : .max)
            network.address = .v6(IPv6Address(high: high, low: low))
        }
        return network
    }

    /// Whether hosts can have addresses of this network. Its own first address is none in 0.0.0.0/4, say, which has many.
    fileprivate var holdsHosts: Bool {
        switch address {
        case .v4(.any): length < 8
        case .v6(.any): length < 128
        default: address.isHost
        }
    }
}
