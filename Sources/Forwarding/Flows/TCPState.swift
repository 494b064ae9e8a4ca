/// A flow's TCP state as IPVS sees it (`tcp_states` in `net/netfilter/ipvs/ip_vs_proto_tcp.c`).
///
/// In direct routing and tunnelling the server's answers take another way: seen from one side only, a FIN leads to FIN_WAIT
/// and no further, for the server's FIN is never seen. In NAT both directions pass.
public enum TCPState: UInt8, Hashable, Sendable, CaseIterable {
    /// NONE: before the first packet.
    case none
    /// ESTABLISHED.
    case established
    /// SYN_SENT.
    case synSent
    /// SYN_RECV: the client's SYN was forwarded.
    case synReceived
    /// FIN_WAIT: the client has sent its last byte; the server may still be sending.
    case finWait
    /// TIME_WAIT.
    case timeWait
    /// CLOSE: reset.
    case close
    /// CLOSE_WAIT.
    case closeWait
    /// LAST_ACK.
    case lastAck
    /// LISTEN.
    case listen
    /// SYNACK.
    case synAck

    /// How many states there are.
    static var count: Int { Int(TCPState.synAck.rawValue) + 1 }

    /// Whether `ipvsadm` counts the flow under ActiveConn rather than InActConn (`tcp_state_active_table` in
    /// `net/netfilter/ipvs/ip_vs_proto_tcp.c`).
    public var isActive: Bool {
        switch self {
        case .established, .synSent, .synReceived, .synAck: true
        case .none, .finWait, .timeWait, .close, .closeWait, .lastAck, .listen: false
        }
    }

    /// For how many milliseconds a flow is remembered after its last packet (`tcp_timeouts` in
    /// `net/netfilter/ipvs/ip_vs_proto_tcp.c`).
    public var timeout: UInt64 {
        switch self {
        case .none: 2_000
        case .established: 900_000
        case .synSent, .finWait, .timeWait, .listen, .synAck: 120_000
        case .synReceived, .closeWait: 60_000
        case .close: 10_000
        case .lastAck: 30_000
        }
    }

    /// Whether a client's SYN on a flow in this state is the start of another connection, to be scheduled anew: the rule
    /// that `conn_reuse_mode` sets with its bits 1 (TIME_WAIT, CLOSE) and 2 (FIN_WAIT, where only one direction is seen),
    /// `is_new_conn_expected` in `net/netfilter/ipvs/ip_vs_core.c`.
    var allowsReuse: Bool {
        switch self {
        case .timeWait, .close, .finWait: true
        case .none, .established, .synSent, .synReceived, .closeWait, .lastAck, .listen, .synAck: false
        }
    }

    /// Who sent a segment, and whether the server's are seen: which of IPVS's three tables holds.
    enum Direction {
        /// The client, where the server's answers take another way: `INPUT-ONLY`.
        case fromClientOnly
        /// The client, where both directions pass: `INPUT`.
        case fromClient
        /// The server: `OUTPUT`.
        case fromServer
    }

    /// The state after a segment with these flags. RST counts before SYN, SYN before FIN, FIN before ACK (`tcp_state_idx`); a
    /// segment with none of them closes (`set_tcp_state`).
    @inline(__always)
    func next(after flags: TCPFlags, _ direction: Direction = .fromClientOnly) -> TCPState {
        guard let event = flags.event else { return .close }
        return switch direction {
        case .fromClientOnly: afterClientAlone(event)
        case .fromClient: afterClient(event)
        case .fromServer: afterServer(event)
        }
    }

    /// `INPUT-ONLY` of `tcp_states`.
    private func afterClientAlone(_ event: TCPFlags.Event) -> TCPState {
        switch event {
        case .rst:
            switch self {
            case .synReceived, .lastAck, .listen: self
            case .none, .established, .synSent, .finWait, .timeWait, .close, .closeWait, .synAck: .close
            }
        case .syn:
            switch self {
            case .established, .synSent: .established
            case .none, .synReceived, .finWait, .timeWait, .close, .closeWait, .lastAck, .listen, .synAck: .synReceived
            }
        case .fin:
            switch self {
            case .none: .close
            case .established: .finWait
            case .synReceived, .synAck: .timeWait
            case .synSent, .finWait, .timeWait, .close, .closeWait, .lastAck, .listen: self
            }
        case .ack:
            switch self {
            case .none, .synReceived, .synAck: .established
            case .lastAck: .close
            case .established, .synSent, .finWait, .timeWait, .close, .closeWait, .listen: self
            }
        }
    }

    /// `INPUT` of `tcp_states`: as seen from the client alone, but for the FIN, for here the server's is seen too.
    private func afterClient(_ event: TCPFlags.Event) -> TCPState {
        switch (event, self) {
        case (.fin, .established): .closeWait
        case (.fin, .finWait): .timeWait
        case (.rst, .synAck): .synReceived
        default: afterClientAlone(event)
        }
    }

    /// `OUTPUT` of `tcp_states`.
    private func afterServer(_ event: TCPFlags.Event) -> TCPState {
        switch event {
        case .syn:
            switch self {
            case .none, .synSent, .finWait, .timeWait, .close, .closeWait, .lastAck: .synSent
            case .established, .synReceived, .listen: self
            case .synAck: .synReceived
            }
        case .fin:
            switch self {
            case .established: .finWait
            case .none, .synReceived, .timeWait, .closeWait, .synAck: .timeWait
            case .synSent, .finWait, .close, .lastAck, .listen: self
            }
        case .ack:
            switch self {
            case .none, .established, .synReceived, .listen, .synAck: .established
            case .synSent, .finWait, .timeWait, .close, .closeWait, .lastAck: self
            }
        case .rst:
            switch self {
            case .synSent, .timeWait: self
            case .none, .established, .synReceived, .finWait, .close, .closeWait, .lastAck, .listen, .synAck: .close
            }
        }
    }
}
