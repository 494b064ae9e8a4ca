/// One thing a doctor has to say about a host.
public struct Finding: Sendable, Hashable, Codable {
    /// What it is about.
    public var topic: Topic
    /// How bad it is.
    public var severity: Severity
    /// What is so, in one line.
    public var what: String
    /// What was read of the host, value for value.
    public var evidence: [String]
    /// Why it is so, or what comes of it; nil where `what` says all.
    public var cause: String?
    /// What to do, a command where there is one; nil where nothing is to be done.
    public var cure: String?

    /// A finding made of its parts.
    public init(
        _ topic: Topic, _ severity: Severity, _ what: String, evidence: [String] = [], cause: String? = nil,
        cure: String? = nil
    ) {
        self.topic = topic
        self.severity = severity
        self.what = what
        self.evidence = evidence
        self.cause = cause
        self.cure = cure
    }

    /// How bad a finding is.
    public enum Severity: String, Sendable, Hashable, Codable {
        /// Packets are lost, or will be.
        case problem
        /// It works, or could not be looked at; an operator should know.
        case warning
        /// As it should be.
        case sound
    }

    /// What a finding is about, in the order in which a packet from a director meets it, and the answer after it.
    public enum Topic: String, Sendable, Hashable, Codable, CaseIterable, Comparable {
        /// What the kernel can do.
        case kernel
        /// The interface that faces the director.
        case interface
        /// VIPs on this host.
        case vip
        /// What this host says of the VIPs in ARP, and in neighbour discovery.
        case arp
        /// Who else answers for the VIPs on the segment.
        case segment
        /// Tunnel devices, and UDP ports that unpack.
        case tunnel
        /// `rp_filter`.
        case reversePath = "rp_filter"
        /// Who may send tunnel packets.
        case lockdown
        /// Who listens.
        case listener
        /// The way back to the client.
        case reply
        /// What fits through the tunnel.
        case segmentSize = "mss"
        /// What the network card does to packets.
        case offload
        /// What the kernel counted as dropped.
        case counters
        /// A packet as the director would send it.
        case probe

        /// In the order of the list above.
        public static func < (left: Self, right: Self) -> Bool {
            (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
        }
    }
}
