/// What a flow is in, whatever its protocol: it sets for how long it is remembered, and who is given up first.
enum FlowState: Equatable {
    case tcp(TCPState)
    /// UDP knows no connections: datagrams between two ends.
    case udp
    /// A server's datagram or ICMP echo to the world: answered once or not yet.
    case query

    /// How many states there are.
    static var count: Int { TCPState.count + 2 }

    /// Which of the lists by age its flows are in.
    @inline(__always)
    var list: Int {
        switch self {
        case .tcp(let state): Int(state.rawValue)
        case .udp: TCPState.count
        case .query: TCPState.count + 1
        }
    }

    /// Whether `ipvsadm` counts the flow under ActiveConn rather than InActConn: only TCP's ever are (`conn_flags` in
    /// `__ip_vs_update_dest`, `net/netfilter/ipvs/ip_vs_ctl.c`, begins each as inactive).
    @inline(__always)
    var isActive: Bool {
        if case .tcp(let state) = self { state.isActive } else { false }
    }

    /// Whether a client's SYN on a flow in this state is the start of another connection.
    @inline(__always)
    var allowsReuse: Bool {
        if case .tcp(let state) = self { state.allowsReuse } else { false }
    }
}

/// For how long flows are remembered after their last packet, in milliseconds, as `ipvsadm --set` changes it.
public struct FlowTimeouts: Hashable, Sendable {
    /// TCP in ESTABLISHED.
    public var established: UInt64
    /// TCP in FIN_WAIT.
    public var finWait: UInt64
    /// UDP.
    public var udp: UInt64

    /// IPVS's own: 900 s, 120 s and 300 s (`tcp_timeouts`, `udp_timeouts` in `net/netfilter/ipvs/ip_vs_proto_*.c`).
    public init(established: UInt64 = 900_000, finWait: UInt64 = 120_000, udp: UInt64 = 300_000) {
        self.established = established
        self.finWait = finWait
        self.udp = udp
    }

    /// A server's question to the world: `nf_conntrack_udp_timeout` and `nf_conntrack_icmp_timeout`
    /// (Documentation/networking/nf_conntrack-sysctl.rst).
    private static let query: UInt64 = 30_000

    /// For how long a flow in this state is remembered.
    @inline(__always)
    func of(_ state: FlowState) -> UInt64 {
        switch state {
        case .tcp(.established): established
        case .tcp(.finWait): finWait
        case .tcp(let state): state.timeout
        case .udp: udp
        case .query: Self.query
        }
    }
}
