public import Netlink
public import NetworkAddress
public import PacketFilter

/// Something on the host that rsagent makes where it is missing, and removes in the end: there or not there, nothing in between.
public enum HostObject: Sendable, Hashable, Codable {
    /// An address on an interface.
    case address(PlacedAddress)
    /// A tunnel device of our own.
    case tunnel(Tunnel, name: String)
    /// A UDP port that unpacks GUE.
    case encapsulationPort(EncapsulationPort)
    /// A route in our own table.
    case route(Route, interfaceName: String)
    /// A rule that leads to our own table.
    case rule(RoutingRule)
    /// nftables' `table inet rsagent`.
    case guardTable(GuardTable)
    /// nftables' `table arp rsagent`.
    case arpWall(ARPWall)

    /// An address as rsagent adds it, or as it found it.
    public struct PlacedAddress: Sendable, Hashable, Codable {
        /// The address and its prefix length.
        public var prefix: Prefix
        /// The index of the interface; 0 or less: one that is yet to be made.
        public var interface: Int32
        /// Its name.
        public var interfaceName: String
        /// The label `ip addr` shows (IPv4 only).
        public var label: String?
        /// IPv4: scope host. IPv6: deprecated. Either way never picked as a source address.
        public var isNeverSource: Bool

        /// An address made of its parts.
        public init(
            _ prefix: Prefix, interface: Int32, interfaceName: String, label: String? = nil, isNeverSource: Bool = false
        ) {
            self.prefix = prefix
            self.interface = interface
            self.interfaceName = interfaceName
            self.label = label
            self.isNeverSource = isNeverSource
        }

        /// An address with rsagent's label. A label begins with the interface's name (ip-address(8)) and has 15 bytes at
        /// most, of which `:rsagent` takes 8; IPv6 has none.
        static func ours(
            _ address: IPAddress, on interface: HostSnapshot.Interface, isNeverSource: Bool
        ) -> PlacedAddress {
            let label = "\(interface.name):rsagent"
            return PlacedAddress(
                Prefix(host: address), interface: interface.index, interfaceName: interface.name,
                label: address.v4 != nil && label.utf8.count <= 15 ? label : nil, isNeverSource: isNeverSource)
        }
    }

    /// In which order objects are made; they are removed the other way round. What guards comes before what it guards, what
    /// lets packets in comes last.
    var rank: Int {
        switch self {
        case .guardTable, .arpWall: 0
        case .route: 1
        case .rule: 2
        case .address: 3
        case .encapsulationPort: 4
        case .tunnel: 5
        }
    }

    /// What it is, whatever its shape: there is one thing with an identity on a host.
    enum Identity: Sendable, Hashable {
        case address(IPAddress, interface: Int32)
        case tunnel(name: String)
        case route(Prefix, table: UInt32)
        case guardTable
        case arpWall
        /// What is nothing but its shape.
        case itself(HostObject)
    }

    var identity: Identity {
        switch self {
        case .address(let address): .address(address.prefix.address, interface: address.interface)
        case .tunnel(_, let name): .tunnel(name: name)
        case .route(let route, _): .route(route.destination, table: route.table)
        case .guardTable: .guardTable
        case .arpWall: .arpWall
        case .encapsulationPort, .rule: .itself(self)
        }
    }
}

extension HostObject {
    private static func family(_ address: IPAddress) -> String { address.v6 != nil ? "-6 " : "" }

    /// The command that makes it, as an operator would type it.
    var making: String {
        switch self {
        case .address(let address): "ip addr add \(address.words)"
        case .tunnel(let tunnel, let name):
            "ip link add \(name) type \(tunnel.kind.rawValue)"
                + (tunnel.local.map { " local \($0)" } ?? "") + (tunnel.kind == .ip6tnl ? " mode any" : "")
        case .encapsulationPort(let port):
            "ip fou add port \(port.port) gue local \(port.local)\(port.local.v6 != nil ? " -6" : "")"
        case .route(let route, let name):
            "ip \(Self.family(route.destination.address))route add \(Self.words(route, name))"
        case .rule(let rule): "ip \(rule.isIPv6 ? "-6 " : "")rule add \(rule.words)"
        case .guardTable(let table): "nft add table inet rsagent  # \(Self.summary(table))"
        case .arpWall(let wall):
            "nft add table arp rsagent  # drops ARP for \(wall.vips.count) VIP\(wall.vips.count == 1 ? "" : "s")"
        }
    }

    /// The command that removes it.
    var removing: String {
        switch self {
        case .address(let address): "ip addr del \(address.prefix) dev \(address.interfaceName)"
        case .tunnel(_, let name): "ip link del \(name)"
        case .encapsulationPort(let port):
            "ip fou del port \(port.port) local \(port.local)\(port.local.v6 != nil ? " -6" : "")"
        case .route(let route, let name):
            "ip \(Self.family(route.destination.address))route del \(Self.words(route, name))"
        case .rule(let rule): "ip \(rule.isIPv6 ? "-6 " : "")rule del \(rule.words)"
        case .guardTable: "nft delete table inet rsagent"
        case .arpWall: "nft delete table arp rsagent"
        }
    }

    private static func words(_ route: Route, _ name: String) -> String {
        let destination = route.destination.length == 0 ? "default" : "\(route.destination)"
        return destination + (route.gateway.map { " via \($0)" } ?? "") + " dev \(name) table \(route.table)"
    }

    private static func summary(_ table: GuardTable) -> String {
        var parts: [String] = []
        if !table.entrances.isEmpty {
            parts.append("tunnel packets only from \(table.sources.map(\.description).joined(separator: ", "))")
        }
        if !table.devices.isEmpty {
            parts.append(
                "out of \(table.devices.joined(separator: ", ")) only for \(table.vips.count) VIP\(table.vips.count == 1 ? "" : "s")"
            )
        }
        let sizes = Set(table.segmentSizes.map(\.maximum)).sorted()
        if !sizes.isEmpty {
            parts.append("MSS of the VIPs' SYN-ACK at most \(sizes.map(String.init).joined(separator: ", "))")
        }
        if !table.steadfast.isEmpty {
            parts.append("no ICMP redirects on \(table.steadfast.joined(separator: ", "))")
        }
        return parts.joined(separator: "; ")
    }
}

extension HostObject.PlacedAddress {
    fileprivate var words: String {
        "\(prefix) dev \(interfaceName)" + (label.map { " label \($0)" } ?? "")
            + (isNeverSource ? (prefix.address.v4 != nil ? " scope host" : " preferred_lft 0") : "")
    }
}

extension RoutingRule {
    /// As ip-rule(8) takes it.
    var words: String {
        var words = "from \(source?.description ?? "all")"
        if let transport { words += " ipproto \(transport == 6 ? "tcp" : transport == 17 ? "udp" : "\(transport)")" }
        if let sourcePort { words += " sport \(sourcePort)" }
        words += " lookup \(table == 254 ? "main" : "\(table)")"
        if let suppressedPrefixLength { words += " suppress_prefixlength \(suppressedPrefixLength)" }
        return words + " priority \(priority)"
    }
}
