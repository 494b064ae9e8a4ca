import NetworkAddress

/// The rules and routes of an ``Outbound``, as packets meet them: in memory allocated when they are applied. There are few
/// of each, and they are gone through one after the other.
struct OutboundTable: ~Copyable {
    /// The addresses that share so many leading bits: of IPv4 in their mapped form, which is in no network of IPv6.
    struct Network {
        private let bits: IPv6Address
        private let mask: IPv6Address
        private let isIPv4: Bool
        fileprivate let length: Int

        init(_ prefix: Prefix) {
            isIPv4 = prefix.address.v4 != nil
            length = prefix.length
            let count = isIPv4 ? 96 + length : length
            // A shift by all of a word's bits leaves none of them.
            mask = IPv6Address(high: ~(UInt64.max >> min(64, count)), low: ~(UInt64.max >> max(0, count - 64)))
            bits = IPv6Address(wide: prefix.address) & mask
        }

        @inline(__always)
        func contains(_ address: IPv6Address) -> Bool { address & mask == bits && address.isMapped == isIPv4 }
    }

    /// One network of a rule's servers.
    struct Source {
        var network: Network
        /// What the world sees of them.
        var address: IPv6Address
        var ports: ClosedRange<UInt16>
        /// Where the rule's flows are counted: a slot of the ``ServerTable``.
        var slot: UInt32
    }

    struct Route {
        var network: Network
        var hop: Outbound.Route.Hop
        var mtu: Int
    }

    private let sources: UnsafeMutableBufferPointer<Source>
    private let routes: UnsafeMutableBufferPointer<Route>
    private let own: UnsafeMutableBufferPointer<IPv6Address>

    /// The table of an ``Outbound``, whose rules are counted on `slots`, one for each.
    init(_ outbound: Outbound = Outbound(), slots: [UInt32] = []) {
        sources = Self.copy(
            zip(outbound.rules, slots).flatMap { rule, slot in
                rule.sources.map { source in
                    Source(
                        network: Network(source), address: IPv6Address(wide: rule.address), ports: rule.ports,
                        slot: slot)
                }
            })
        let routes = outbound.routes.map { Route(network: Network($0.network), hop: $0.hop, mtu: $0.mtu) }
        // Stable, so that of two to the same network the first stays the first.
        self.routes = Self.copy(
            routes.enumerated().sorted {
                ($1.element.network.length, $0.offset) < ($0.element.network.length, $1.offset)
            }.map(\.element))
        own = Self.copy(outbound.own.map(IPv6Address.init(wide:)))
    }

    private static func copy<Element>(_ elements: [Element]) -> UnsafeMutableBufferPointer<Element> {
        let buffer = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
        _ = buffer.initialize(from: elements)
        return buffer
    }

    deinit {
        sources.deallocate()
        routes.deallocate()
        own.deallocate()
    }

    /// The rule for what this address sends; nil: there is none.
    @inline(__always)
    func source(_ address: IPv6Address) -> UnsafeMutablePointer<Source>? {
        guard !sources.isEmpty, let first = sources.baseAddress else { return nil }
        for index in 0..<sources.count where first[index].network.contains(address) { return first + index }
        return nil
    }

    /// Whether a packet between these ends is a server's to the world: to somebody who is in none of the servers' networks and
    /// is not the host itself, at an address that routers forward to (RFC 1812 §5.3.7, RFC 3927 §2.7; RFC 4291 §2.5.2, §2.5.3,
    /// §2.5.6).
    @inline(__always)
    func leads(from source: IPv6Address, to destination: IPv6Address) -> Bool {
        guard !sources.isEmpty, self.source(source) != nil, destination.isForwardedTo else { return false }
        return self.source(destination) == nil && !own.contains(destination)
    }

    /// The route to an address; nil: there is none.
    @inline(__always)
    func route(to address: IPv6Address) -> UnsafeMutablePointer<Route>? {
        guard let first = routes.baseAddress else { return nil }
        for index in 0..<routes.count where first[index].network.contains(address) { return first + index }
        return nil
    }

    /// Whether the way to this address is the interface a packet of its came in by, as `rp_filter` = 1 asks
    /// (Documentation/networking/ip-sysctl.rst, RFC 3704 §2.2): else anybody in the world could speak for a server.
    func isExpected(_ address: IPv6Address, by ingress: Int) -> Bool {
        switch route(to: address)?.pointee.hop {
        case .onLink(let egress, _), .router(let egress, _): egress == ingress
        case .elsewhere, nil: false
        }
    }
}

extension IPv6Address {
    /// Whether it stands for an IPv4 address.
    @inline(__always)
    fileprivate var isMapped: Bool { high == 0 && low >> 32 == 0xFFFF }

    /// Whether it is a host's, and not on one link only.
    @inline(__always)
    fileprivate var isForwardedTo: Bool {
        guard isMapped else { return isHost && !isLinkLocal }
        return IPv4Address(rawValue: low32).isHost && low32 >> 16 != 0xA9FE
    }

    @inline(__always)
    fileprivate static func & (address: Self, mask: Self) -> Self {
        Self(high: address.high & mask.high, low: address.low & mask.low)
    }
}
