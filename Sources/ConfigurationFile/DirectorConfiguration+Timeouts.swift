extension DirectorConfiguration {
    /// When a flow is forgotten that no packet comes for (ipvsadm(8), `--set`). 1 s to 31 d each; the defaults are IPVS's
    /// (`net/netfilter/ipvs/ip_vs_proto_tcp.c`, `tcp_timeouts`; `ip_vs_proto_udp.c`, `udp_timeouts`).
    public struct Timeouts: Sendable, Equatable {
        /// An established connection of TCP.
        public var tcp: Duration
        /// A connection of TCP of which an end has sent FIN.
        public var tcpFin: Duration
        /// A flow of UDP.
        public var udp: Duration

        /// Timeouts; what is left out is IPVS's.
        public init(
            tcp: Duration = .seconds(900), tcpFin: Duration = .seconds(120), udp: Duration = .seconds(300)
        ) {
            self.tcp = tcp
            self.tcpFin = tcpFin
            self.udp = udp
        }
    }
}

extension DirectorConfiguration.Timeouts {
    /// Reads `[timeouts]`.
    init(_ table: Table) {
        self.init()
        if let tcp = table.duration("tcp", in: Table.flowLifetime, example: "900s") { self.tcp = tcp }
        if let tcpFin = table.duration("tcp_fin", in: Table.flowLifetime, example: "120s") { self.tcpFin = tcpFin }
        if let udp = table.duration("udp", in: Table.flowLifetime, example: "300s") { self.udp = udp }
    }
}
