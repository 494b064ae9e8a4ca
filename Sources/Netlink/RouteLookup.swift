internal import CNetlink
internal import Glibc
public import NetworkAddress

/// What the kernel would do with a packet: the answer to a route look-up.
public struct RouteLookup: Hashable, Sendable {
    /// What becomes of it.
    public var outcome: Outcome
    /// The index of the interface it leaves by, `lo` where it is for this host; nil where it goes nowhere.
    public var interface: Int32?
    /// The next hop, or nil: on the link, or nowhere.
    public var gateway: IPAddress?
    /// The source address the kernel would give a packet that has none yet, or nil.
    public var preferredSource: IPAddress?
    /// The table that decided, or nil where none did: 254 is main, 255 local.
    public var table: UInt32?
    /// The largest packet in bytes, where the route or what was learned of the path says one (`RTAX_MTU`).
    public var mtu: UInt32?
    /// The largest TCP segment in bytes that is announced to the other end, where the route says one (`RTAX_ADVMSS`).
    public var advertisedSegmentSize: UInt32?

    /// An answer made of its parts.
    public init(
        outcome: Outcome, interface: Int32? = nil, gateway: IPAddress? = nil, preferredSource: IPAddress? = nil,
        table: UInt32? = nil, mtu: UInt32? = nil, advertisedSegmentSize: UInt32? = nil
    ) {
        self.outcome = outcome
        self.interface = interface
        self.gateway = gateway
        self.preferredSource = preferredSource
        self.table = table
        self.mtu = mtu
        self.advertisedSegmentSize = advertisedSegmentSize
    }

    /// What becomes of a packet (`RTN_*`, include/uapi/linux/rtnetlink.h, or the error a look-up ends with).
    public enum Outcome: Hashable, Sendable {
        /// Sent to `gateway`, or to the destination itself.
        case unicast
        /// For this host.
        case local
        /// Sent to, or taken from, all on the link.
        case broadcast
        /// Sent to, or taken for, a group.
        case multicast
        /// For this host among others (IPv6).
        case anycast
        /// No route, or one that says `unreachable`.
        case unreachable
        /// A route or rule that says `prohibit`.
        case prohibited
        /// Dropped without a word: a route that says `blackhole`; or a source that no packet may have there (martian; for
        /// packets of this host: an address that is not its own).
        case discarded
        /// Refused because the way back to the source leads elsewhere (`rp_filter`), packets that come in only. From Linux 6.13
        /// on, the kernel no longer tells this from `discarded`.
        case wrongInterface
    }
}

extension Network {
    /// Asks where a packet to `destination` would go. Equivalent to: `ip route get DESTINATION from SOURCE iif INTERFACE
    /// ipproto TRANSPORT sport PORT`. Needs no capability.
    ///
    /// - Parameters:
    ///   - source: where it comes from; nil: this host, which has not chosen yet.
    ///   - interface: the index of the interface it comes in by, which needs a source; nil: it is this host's own.
    ///   - transport: its IP protocol number, for rules that ask for it.
    ///   - sourcePort: its source port, for rules that ask for it; needs `transport`, TCP (6) or UDP (17).
    public func lookUp(
        destination: IPAddress, source: IPAddress? = nil, incoming interface: Int32? = nil, transport: UInt8? = nil,
        sourcePort: UInt16? = nil
    ) throws(NetlinkError) -> RouteLookup {
        let from = source.map { " from \($0)" } ?? ""
        let by = interface.map { " coming in by interface #\($0)" } ?? ""
        var header = rtmsg()
        header.rtm_family = UInt8(destination.v4 != nil ? AF_INET : AF_INET6)
        header.rtm_dst_len = UInt8(destination.bitWidth)
        header.rtm_src_len = UInt8(source?.bitWidth ?? 0)
        // Else the table in the answer is main, whichever decided.
        header.rtm_flags = UInt32(RTM_F_LOOKUP_TABLE)
        var request = try NetlinkRequest(
            "look up the route to \(destination)\(from)\(by)", type: Int32(RTM_GETROUTE), header: header)
        guard source.map({ $0.bitWidth == destination.bitWidth }) ?? true else {
            throw NetlinkError("\(request.operation) (the source is of the other family)", code: NLE_INVAL)
        }
        request.put(Int(RTA_DST.rawValue), destination)
        if let source { request.put(Int(RTA_SRC.rawValue), source) }
        if let interface { request.put(Int(RTA_IIF.rawValue), interface) }
        if let transport { request.put(Int(RTA_IP_PROTO.rawValue), transport) }
        if let sourcePort { request.put(Int(RTA_SPORT.rawValue), sourcePort.bigEndian) }
        var found: RouteLookup?
        let operation = request.operation
        let refusal = try socket.converse(request) { found = Self.lookup($0) }
        if let refusal {
            guard let outcome = Self.outcome(refusal.number) else { throw refusal.error(operation) }
            return RouteLookup(outcome: outcome)
        }
        guard let found else { throw NetlinkError(operation, code: NLE_OBJ_NOTFOUND) }
        return found
    }

    /// The errors that are answers (`fib_props`, net/ipv4/fib_semantics.c; `__fib_validate_source`, net/ipv4/fib_frontend.c).
    private static func outcome(_ number: Int32) -> RouteLookup.Outcome? {
        switch number {
        case ENETUNREACH, EHOSTUNREACH, EAGAIN: .unreachable
        case EACCES: .prohibited
        case EINVAL: .discarded
        case EXDEV: .wrongInterface
        default: nil
        }
    }

    private static func outcome(type: UInt8) -> RouteLookup.Outcome {
        switch Int(type) {
        case RTN_UNICAST: .unicast
        case RTN_LOCAL: .local
        case RTN_BROADCAST: .broadcast
        case RTN_MULTICAST: .multicast
        case RTN_ANYCAST: .anycast
        case RTN_PROHIBIT: .prohibited
        case RTN_BLACKHOLE: .discarded
        default: .unreachable
        }
    }

    private static func lookup(_ message: [UInt8]) -> RouteLookup? {
        guard message.count >= MemoryLayout<rtmsg>.size else { return nil }
        let header = message.withUnsafeBytes { $0.loadUnaligned(as: rtmsg.self) }
        let attributes = NetlinkAttributes(message, behind: MemoryLayout<rtmsg>.size)
        let metrics = attributes.nested(Int(RTA_METRICS.rawValue))
        return RouteLookup(
            outcome: outcome(type: header.rtm_type), interface: attributes.number(Int(RTA_OIF.rawValue)),
            gateway: gateway(attributes), preferredSource: attributes.address(Int(RTA_PREFSRC.rawValue)),
            table: attributes.number(Int(RTA_TABLE.rawValue)) ?? UInt32(header.rtm_table),
            mtu: metrics.number(Int(RTAX_MTU)), advertisedSegmentSize: metrics.number(Int(RTAX_ADVMSS)))
    }
}
