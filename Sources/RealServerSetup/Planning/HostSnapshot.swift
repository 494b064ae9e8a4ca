public import Netlink
public import NetworkAddress
public import PacketFilter

/// What matters of a host, read from the kernel at one moment. A plan is made from this and nothing else.
public struct HostSnapshot: Sendable, Hashable {
    /// The interfaces, by index.
    public var interfaces: [Interface]
    /// The addresses on them.
    public var addresses: [Address]
    /// `net.ipv4.conf.all`: a floor under every interface's own value.
    public var all: IPv4Settings
    /// `net.ipv4.conf.default`: what an interface begins with.
    public var defaults: IPv4Settings
    /// The index of the interface that faces the director, or nil where it is not there.
    public var facing: Int32?
    /// The routes of the table that is rsagent's own (`Planner.table`).
    public var routes: [Route]
    /// The routing rules, those of others included.
    public var rules: [RoutingRule]
    /// Which way answers to the world go, where rules of others could have a say in it: looked up only there.
    public var departures: [Departure] = []
    /// The UDP ports that unpack GUE.
    public var encapsulationPorts: [EncapsulationPort]
    /// nftables' `table inet rsagent`.
    public var guardTable: GuardTable.Reading
    /// nftables' `table arp rsagent`.
    public var arpWall: ARPWall.Reading
    /// What the request needs of the kernel and the kernel does not have.
    public var missingParts: Set<KernelPart>
    /// Whether IPv6 is switched off on `lo` (`net.ipv6.conf.lo.disable_ipv6`), or altogether.
    public var isIPv6Disabled: Bool

    /// A snapshot made of its parts, as a test would.
    public init(
        interfaces: [Interface], addresses: [Address] = [], all: IPv4Settings = IPv4Settings(),
        defaults: IPv4Settings = IPv4Settings(), facing: Int32? = nil, routes: [Route] = [], rules: [RoutingRule] = [],
        encapsulationPorts: [EncapsulationPort] = [], guardTable: GuardTable.Reading = .absent,
        arpWall: ARPWall.Reading = .absent, missingParts: Set<KernelPart> = [], isIPv6Disabled: Bool = false
    ) {
        self.interfaces = interfaces
        self.addresses = addresses
        self.all = all
        self.defaults = defaults
        self.facing = facing
        self.routes = routes
        self.rules = rules
        self.encapsulationPorts = encapsulationPorts
        self.guardTable = guardTable
        self.arpWall = arpWall
        self.missingParts = missingParts
        self.isIPv6Disabled = isIPv6Disabled
    }

    /// One interface.
    public struct Interface: Sendable, Hashable {
        /// The interface index. 0 or less in a forecast: one that is yet to be made.
        public var index: Int32
        /// The name.
        public var name: String
        /// `IFF_UP`.
        public var isUp: Bool
        /// `IFF_LOOPBACK`.
        public var isLoopback: Bool
        /// Whether the host asks and answers ARP in this interface's own name: not on loopback, not where `NOARP` is set,
        /// and not on a port of a bridge, bond or team, where the master does.
        public var speaksARP: Bool
        /// Largest payload of a frame in bytes.
        public var mtu: UInt32
        /// The interface's own values, or nil where IPv4 is off on it.
        public var ipv4: IPv4Settings?
        /// What it takes where it is a tunnel device, else nil.
        public var tunnel: Tunnel?

        /// An interface made of its parts.
        public init(
            index: Int32, name: String, isUp: Bool = true, isLoopback: Bool = false, speaksARP: Bool = true,
            mtu: UInt32 = 1500, ipv4: IPv4Settings?, tunnel: Tunnel? = nil
        ) {
            self.index = index
            self.name = name
            self.isUp = isUp
            self.isLoopback = isLoopback
            self.speaksARP = speaksARP
            self.mtu = mtu
            self.ipv4 = ipv4
            self.tunnel = tunnel
        }
    }

    /// One address.
    public struct Address: Sendable, Hashable {
        /// The index of the interface it is on.
        public var interface: Int32
        /// The address and the length of its on-link prefix.
        public var prefix: Prefix
        /// The label `ip addr` shows (IPv4 only).
        public var label: String?
        /// IPv4: scope host. IPv6: deprecated. Either way never picked as a source address.
        public var isNeverSource: Bool
        /// Whether it is a secondary address, or one that IPv6 gave up or has yet to try.
        public var isSecondary: Bool

        /// An address made of its parts.
        public init(
            interface: Int32, prefix: Prefix, label: String? = nil, isNeverSource: Bool = false,
            isSecondary: Bool = false
        ) {
            self.interface = interface
            self.prefix = prefix
            self.label = label
            self.isNeverSource = isNeverSource
            self.isSecondary = isSecondary
        }
    }

    /// Which way what this host sends from an address goes: the kernel's own answer, with all rules and tables in it.
    public struct Departure: Sendable, Hashable {
        /// Where it is sent from.
        public var source: IPAddress
        /// The port it is sent from; nil: none was asked about.
        public var port: UInt16?
        /// The IP protocol number whose port that is; of no meaning without a port.
        public var transport: UInt8
        /// What becomes of it on its way to an address far off.
        public var way: RouteLookup
        /// The same for what is from no address in particular.
        public var usualWay: RouteLookup

        /// A departure made of its parts.
        public init(
            source: IPAddress, port: UInt16?, transport: UInt8 = 6, way: RouteLookup, usualWay: RouteLookup
        ) {
            self.source = source
            self.port = port
            self.transport = transport
            self.way = way
            self.usualWay = usualWay
        }
    }

    /// The loopback interface, or nil where the namespace has none (it always has).
    public var loopback: Interface? { interfaces.first(where: \.isLoopback) }

    /// The interface with this index.
    public func interface(_ index: Int32) -> Interface? { interfaces.first { $0.index == index } }

    /// The value a sysctl has in this snapshot, or nil where its interface is gone or has no IPv4.
    public func value(of sysctl: IPv4Sysctl) -> Int? {
        switch sysctl.scope {
        case .all: all[sysctl.key]
        case .interface(let index, _): interface(index)?.ipv4?[sysctl.key]
        }
    }

    /// The address by which the director knows this host in a family: the first of the interface that faces it which is
    /// neither secondary, nor link-local, nor one of `vips`.
    func ownAddress(isIPv6: Bool, excluding vips: Set<IPAddress>) -> IPAddress? {
        addresses.first {
            $0.interface == facing && ($0.prefix.address.v6 != nil) == isIPv6 && !$0.isSecondary && !$0.isNeverSource
                && $0.prefix.address.isHost && !$0.prefix.address.isLinkLocal && !vips.contains($0.prefix.address)
        }?.prefix.address
    }
}

extension HostSnapshot {
    /// How an object stands on the host.
    enum Presence: Equatable {
        case absent
        case present
        /// Something is in its place that is not it.
        case different(String)
    }

    /// How `object` stands on the host. `addresses` of the snapshot may be many: they are handed in by address.
    func presence(of object: HostObject, _ held: [IPAddress: [Address]]) -> Presence {
        switch object {
        case .address(let placed):
            guard let found = held[placed.prefix.address]?.first(where: { $0.interface == placed.interface }) else {
                return .absent
            }
            let isSame =
                found.prefix == placed.prefix && found.label == (placed.label ?? found.label)
                && found.isNeverSource == placed.isNeverSource
            return isSame
                ? .present : .different("\(found.prefix) on \(placed.interfaceName) is not as rsagent added it")
        case .tunnel(let tunnel, let name):
            guard let found = interfaces.first(where: { $0.name == name }) else { return .absent }
            return found.tunnel == tunnel
                ? .present : .different("\(name) is not the tunnel device that rsagent made")
        case .encapsulationPort(let port): return encapsulationPorts.contains(port) ? .present : .absent
        case .route(let route, _):
            guard let found = routes.first(where: { $0.isSamePlace(as: route) }) else { return .absent }
            return found.gateway == route.gateway && found.interface == route.interface
                ? .present : .different("table \(route.table) has another route to \(route.destination)")
        case .rule(let rule): return rules.contains(rule) ? .present : .absent
        case .guardTable(let table):
            switch guardTable {
            case .absent: return .absent
            case .present(table): return .present
            default: return .different("table inet rsagent is not as rsagent made it")
            }
        case .arpWall(let wall):
            switch arpWall {
            case .absent: return .absent
            case .present(wall): return .present
            default: return .different("table arp rsagent is not as rsagent made it")
            }
        }
    }

    /// Whether `object`, made by rsagent, is there to be removed: as it was made, or, where it is a table of our own,
    /// in whatever state.
    func isThere(_ object: HostObject, _ held: [IPAddress: [Address]]) -> Bool {
        switch presence(of: object, held) {
        case .absent: false
        case .present: true
        case .different: object.isReplacedWhole
        }
    }

    /// The addresses by address.
    var addressesByValue: [IPAddress: [Address]] { Dictionary(grouping: addresses, by: \.prefix.address) }

    /// What the host will be after a change: enough of it that a plan can be made beyond it.
    mutating func foresee(_ change: Change) {
        // The kernel answered for the host as it was.
        departures = []
        switch change {
        case .set(let sysctl, _, let value):
            switch sysctl.scope {
            case .all: all[sysctl.key] = value
            case .interface(let index, _):
                guard let place = interfaces.firstIndex(where: { $0.index == index }) else { return }
                interfaces[place].ipv4?[sysctl.key] = value
            }
        case .bringUp(let index, _):
            guard let place = interfaces.firstIndex(where: { $0.index == index }) else { return }
            interfaces[place].isUp = true
        case .add(let object): add(object)
        case .remove(let object): remove(object)
        }
    }

    private mutating func add(_ object: HostObject) {
        switch object {
        case .address(let placed):
            addresses.append(
                Address(
                    interface: placed.interface, prefix: placed.prefix, label: placed.label,
                    isNeverSource: placed.isNeverSource))
        case .tunnel(let tunnel, let name):
            // An index the kernel never gives, and no other forecast in this snapshot has.
            let index = min(0, interfaces.map(\.index).min() ?? 0) - 1
            interfaces.append(
                Interface(index: index, name: name, isUp: false, speaksARP: false, ipv4: defaults, tunnel: tunnel))
        case .encapsulationPort(let port): encapsulationPorts.append(port)
        case .route(let route, _): routes.append(route)
        case .rule(let rule): rules.append(rule)
        case .guardTable(let table): guardTable = .present(table)
        case .arpWall(let wall): arpWall = .present(wall)
        }
    }

    private mutating func remove(_ object: HostObject) {
        switch object {
        case .address(let placed):
            addresses.removeAll { $0.interface == placed.interface && $0.prefix.address == placed.prefix.address }
        case .tunnel(_, let name):
            guard let gone = interfaces.first(where: { $0.name == name }) else { return }
            interfaces.removeAll { $0.index == gone.index }
            addresses.removeAll { $0.interface == gone.index }
        case .encapsulationPort(let port): encapsulationPorts.removeAll { $0 == port }
        case .route(let route, _): routes.removeAll { $0.isSamePlace(as: route) }
        case .rule(let rule): rules.removeAll { $0 == rule }
        case .guardTable: guardTable = .absent
        case .arpWall: arpWall = .absent
        }
    }
}

extension Route {
    /// Whether both lead to the same destination in the same table: there is one place for both, metrics aside.
    func isSamePlace(as other: Route) -> Bool { destination == other.destination && table == other.table }
}

extension IPAddress {
    var isLoopback: Bool {
        switch self {
        case .v4(let address): address.isLoopback
        case .v6(let address): address.isLoopback
        }
    }

    /// fe80::/10 (RFC 4291 §2.5.6), 169.254/16 (RFC 3927): known on one link only.
    var isLinkLocal: Bool {
        switch self {
        case .v4(let address): address.rawValue >> 16 == 0xA9FE
        case .v6(let address): address.high >> 54 == 0x3FA
        }
    }
}
