public import NetworkAddress

/// One flow, or one persistence template, as `ipvsadm -L -c` shows it.
public struct Connection: Hashable, Sendable {
    /// An address and a port.
    public struct End: Hashable, Sendable {
        /// The address.
        public var address: IPAddress
        /// 0 where there is none: of a template's client, and of a template for all ports.
        public var port: UInt16

        /// An end.
        public init(address: IPAddress, port: UInt16) {
            self.address = address
            self.port = port
        }
    }

    /// The protocol's number (IANA): 6, 17, 1 or 58.
    public var transport: UInt8
    /// What IPVS calls its state: `ESTABLISHED`, `UDP`, for a template `NONE`.
    public var state: String
    /// Whether it is a template: which server a client's next connection gets.
    public var isTemplate: Bool
    /// In how many milliseconds it is forgotten unless a packet comes.
    public var expires: UInt64
    /// For how many milliseconds no packet came.
    public var idle: UInt64
    /// Who opened it: a client, or with source NAT a server. Of a template the client's network.
    public var source: End
    /// What the other side knows as its end: the VIP, or with source NAT the address that stands for the server.
    public var virtual: End
    /// Who it was given to: a server, or with source NAT whom the server talks to.
    public var destination: End

    /// A connection as given.
    public init(
        transport: UInt8, state: String, isTemplate: Bool = false, expires: UInt64, idle: UInt64, source: End,
        virtual: End,
        destination: End
    ) {
        self.transport = transport
        self.state = state
        self.isTemplate = isTemplate
        self.expires = expires
        self.idle = idle
        self.source = source
        self.virtual = virtual
        self.destination = destination
    }
}

extension FlowState {
    /// The name `/proc/net/ip_vs_conn` has for it (`tcp_state_name_table` of `net/netfilter/ipvs/ip_vs_proto_tcp.c`,
    /// `udp_state_name_table` of `ip_vs_proto_udp.c`), and one of ours; short enough to be made without allocating.
    var name: String {
        switch self {
        case .tcp(.none): "NONE"
        case .tcp(.established): "ESTABLISHED"
        case .tcp(.synSent): "SYN_SENT"
        case .tcp(.synReceived): "SYN_RECV"
        case .tcp(.finWait): "FIN_WAIT"
        case .tcp(.timeWait): "TIME_WAIT"
        case .tcp(.close): "CLOSE"
        case .tcp(.closeWait): "CLOSE_WAIT"
        case .tcp(.lastAck): "LAST_ACK"
        case .tcp(.listen): "LISTEN"
        case .tcp(.synAck): "SYNACK"
        case .udp: "UDP"
        case .query: "QUERY"
        }
    }
}
