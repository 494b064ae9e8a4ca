internal import NetworkAddress

extension Table {
    /// The VIPs of a service, without those that cannot be one.
    func vips(families: Families) -> [(node: Node, address: IPAddress)] {
        let example = "192.0.2.10"
        if self["vip"] == nil { reportMissing("vip", "write vip = \(quoted(example)), the address clients connect to") }
        let vips = (texts("vip", example: example) ?? []).compactMap { node, text in
            hostAddress(node, text, families: families, called: "a VIP", example: example).map { (node, $0) }
        }
        return withoutRepeats(vips)
    }

    /// A single address of a host.
    func hostAddress(
        _ key: String, families: Families, called role: String, example: String
    ) -> (node: Node, address: IPAddress)? {
        guard let (node, text) = text(key, example: example) else { return nil }
        return hostAddress(node, text, families: families, called: role, example: example).map { (node, $0) }
    }

    /// An address or a list of them, each of a host. The list may be empty.
    func hostAddresses(
        _ key: String, families: Families, called role: String, example: String
    ) -> [(node: Node, address: IPAddress)] {
        let addresses = (texts(key, example: example, mayBeEmpty: true) ?? []).compactMap { node, text in
            hostAddress(node, text, families: families, called: role, example: example).map { (node, $0) }
        }
        return withoutRepeats(addresses)
    }

    /// Which addresses a key takes.
    struct Families: OptionSet {
        let rawValue: Int
        /// IPv4.
        static let v4 = Families(rawValue: 1)
        /// IPv6 as well.
        static let v6 = Families(rawValue: 2)
        /// The machine itself, 127.0.0.0/8 and ::1.
        static let loopback = Families(rawValue: 4)
        /// IPv6 on one link only, fe80::/10.
        static let linkLocal = Families(rawValue: 8)
    }

    /// The address of one host that `text` is.
    private func hostAddress(
        _ node: Node, _ text: String, families: Families, called role: String, example: String
    ) -> IPAddress? {
        let instead = "write one address, such as \(quoted(example))"
        if let slash = text.firstIndex(of: "/"), let address = IPAddress(text[..<slash]) {
            let isNetwork = Prefix(text).map { Self.isNetwork($0) } ?? false
            if isNetwork || !address.isHost {
                findings.report(node, "\(quoted(text)) is a network, not the address of a host", instead)
            } else {
                findings.report(node, "\(quoted(text)) has a prefix length", "write \(quoted("\(address)"))")
            }
            return nil
        }
        guard let address = IPAddress(text) else {
            findings.report(node, "\(quoted(text)) is not an IP address (names are not looked up)", instead)
            return nil
        }
        if address.v6 != nil, !families.contains(.v6) {
            findings.report(node, "\(address) is IPv6, which is not taken here", "write an IPv4 address")
            return nil
        }
        if families.contains(.loopback), address.isLoopback { return address }
        guard address.isHost else {
            let cure = "write an address that \(role) can have, such as \(quoted(example))"
            findings.report(node, "\(address) is \(address.whyNoHost), not the address of a host", cure)
            return nil
        }
        if let address = address.v6, address.isLinkLocal, !families.contains(.linkLocal) {
            let cure = "write an address that \(role) can have, such as \"2001:db8::10\""
            findings.report(node, "\(address) is a link-local address, which means something on one link only", cure)
            return nil
        }
        return address
    }

    /// Whether `prefix` names a network: its host bits are all zero, and it has some.
    private static func isNetwork(_ prefix: Prefix) -> Bool {
        prefix.length < prefix.address.bitWidth && prefix == prefix.withoutHostBits
    }

    /// Reports addresses that come twice, and drops them.
    private func withoutRepeats(_ addresses: [(node: Node, address: IPAddress)]) -> [(node: Node, address: IPAddress)] {
        var seen: Set<IPAddress> = []
        return addresses.filter { node, address in
            if seen.insert(address).inserted { return true }
            findings.report(node, "\(address) is listed twice", "remove one of the two")
            return false
        }
    }
}

extension IPAddress {
    /// Whether this is the machine itself: 127.0.0.0/8 or ::1.
    var isLoopback: Bool {
        switch self {
        case .v4(let address): address.isLoopback
        case .v6(let address): address.isLoopback
        }
    }

    /// Whether this is a group: 224.0.0.0/4 or ff00::/8.
    var isMulticast: Bool {
        switch self {
        case .v4(let address): address.isMulticast
        case .v6(let address): address.isMulticast
        }
    }

    /// What an address is that no host can own.
    var whyNoHost: String {
        if isLoopback { return "a loopback address" }
        if isMulticast { return "a multicast address" }
        return switch self {
        case .v4(.any), .v6(.any): "the unspecified address"
        case .v4(let address) where address.rawValue >> 24 == 0: "an address of \"this network\", 0.0.0.0/8"
        case .v4(let address) where address.rawValue == .max: "the broadcast address"
        case .v4: "a reserved address"
        case .v6: "an IPv4 address in IPv6 notation"
        }
    }
}
