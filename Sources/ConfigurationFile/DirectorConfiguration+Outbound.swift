public import NetworkAddress

extension DirectorConfiguration {
    /// Source NAT: servers behind the director reach the world as one address.
    public struct Outbound: Sendable, Equatable {
        /// The networks of the servers, of one family. At least one; host bits are zero; none overlaps another, nor one of another
        /// ``Outbound``.
        public var sources: [Prefix]
        /// What the world sees, of the same family. No server's; a VIP only where no service takes a port of `ports`.
        public var address: IPAddress
        /// The ports of `address` that are given out: 1 to 65535.
        public var ports: ClosedRange<UInt16>

        /// Those above the well-known ones (RFC 6335 §6), which a service on the same address is likely to have.
        public static let defaultPorts: ClosedRange<UInt16> = 1024...65535

        /// Creates a rule from values that are already known to be valid.
        public init(sources: [Prefix], address: IPAddress, ports: ClosedRange<UInt16> = Self.defaultPorts) {
            self.sources = sources
            self.address = address
            self.ports = ports
        }
    }
}

extension DirectorConfiguration.Outbound {
    /// Reads one `[[outbound]]`. `seen`: the networks so far. Nil: something essential is wrong, and reported.
    init?(_ table: Table, _ seen: inout [(line: Int, prefix: Prefix)], _ surroundings: DirectorSurroundings) {
        let sources = table.sources(&seen)
        if table["address"] == nil {
            table.reportMissing("address", "write address = \"203.0.113.5\", what the world sees")
        }
        let address = table.hostAddress("address", families: [.v4, .v6], called: "a host", example: "203.0.113.5")
        let given = table.portRange("ports")
        guard let (node, address) = address else { return nil }
        if let line = surroundings.servers.first(where: { $0.address == address })?.node.line {
            let cure = "write an address of the director's own for it, which no other host has"
            table.findings.report(node, "\(address) is a server (line \(line))", cure)
        }
        let ports = given ?? Self.defaultPorts
        if given != nil || table["ports"] == nil, let taker = surroundings.claims.taker(of: ports, on: address) {
            let what = taker.port.map { "port \($0) of \(address)" } ?? "every port of \(address)"
            let wrong = "\(what) is a service's, \(taker.service) (line \(taker.line))"
            let cure = taker.port == nil ? "write another address" : "write another address, or ports without that one"
            table.findings.report(table["ports"] ?? node, wrong, cure)
        }
        if let other = sources.first(where: { $0.address.bitWidth != address.bitWidth }) {
            let family = other.address.v4 == nil ? "IPv6" : "IPv4"
            let cure = "write an address of \(family), or an [[outbound]] of its own for \(family)"
            table.findings.report(node, "\(address) cannot stand for \(other), which is \(family)", cure)
        }
        guard !sources.isEmpty else { return nil }
        self.init(sources: sources, address: address, ports: ports)
    }
}

extension Table {
    /// The networks of the servers.
    fileprivate func sources(_ seen: inout [(line: Int, prefix: Prefix)]) -> [Prefix] {
        let key = "source"
        let cure = "write source = \"10.0.0.0/24\", the network of the servers"
        guard let node = self[key] else {
            reportMissing(key, cure)
            return []
        }
        if case .list(let elements) = node.value, elements.isEmpty { refuse(key, "is an empty list", cure) }
        let role = NetworkRole(
            example: "10.0.0.0/24", insteadOfEveryone: cure, nobody: "which no server has", takesLoopback: false)
        let prefixes = networks(key, role)
        for prefix in prefixes {
            if prefix.address.v6?.isLinkLocal == true {
                let wrong = "\(prefix) is of one link only, and leaves it by no router"
                refuse(key, wrong, "write source = \"2001:db8:10::/64\"")
            }
            if let other = seen.first(where: { $0.prefix.overlaps(prefix) }) {
                let wrong = "\(prefix) and \(other.prefix) (line \(other.line)) overlap"
                refuse(key, wrong, "write networks that have no address in common")
            }
            seen.append((node.line, prefix))
        }
        return prefixes
    }

    /// Ports from one to another.
    private func portRange(_ node: Node, _ text: String) -> ClosedRange<UInt16>? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        let ports = parts.compactMap { $0.utf8.allSatisfy(\.isASCIIDigit) ? UInt16($0) : nil }
        let cure = "write \"1024-65535\", two ports of 1 to 65535"
        guard parts.count == 2, ports.count == 2, let first = ports.first, let last = ports.last, min(first, last) > 0
        else {
            findings.report(node, "\(quoted(text)) is not a range of ports", cure)
            return nil
        }
        guard first <= last else {
            findings.report(node, "\(quoted(text)) ends before it begins", "write \"\(last)-\(first)\"")
            return nil
        }
        return first...last
    }

    /// Ports from one to another. Nil: not there, or wrong and reported.
    fileprivate func portRange(_ key: String) -> ClosedRange<UInt16>? {
        text(key, example: "1024-65535").flatMap { node, text in portRange(node, text) }
    }
}

extension Prefix {
    /// Whether the two have an address in common.
    fileprivate func overlaps(_ other: Prefix) -> Bool { contains(other.address) || other.contains(address) }
}
