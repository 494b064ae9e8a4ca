public import NetworkAddress

/// Finds out why a real server does not get or answer its VIPs' packets, or that it does.
///
/// Works without the agent and beside it, takes no lock, and leaves nothing behind. What needs a capability that is missing is
/// left out and said so: reading nftables takes CAP_NET_ADMIN, asking the segment CAP_NET_RAW, probing CAP_SYS_ADMIN.
public struct Doctor: Sendable {
    private let setup: RealServerSetup
    private let clients: [IPAddress]
    private let isProbing: Bool

    /// Clients to ask about where nobody is named: of RFC 5737's and RFC 3849's networks, which nobody is near.
    public static let sampleClients: [IPAddress] = [
        .v4(IPv4Address(198, 51, 100, 1)), .v6(IPv6Address(high: 0x2001_0DB8_FFFF_0000, low: 1)),
    ]

    /// - Parameters:
    ///   - setup: what the host should be fit for.
    ///   - clients: whose packets and answers are looked at, instead of `sampleClients` of their family.
    ///   - isProbing: whether packets are sent: one as the director would send it for each VIP, and a question to the
    ///     segment who else answers for them.
    public init(_ setup: RealServerSetup, clients: [IPAddress] = [], isProbing: Bool = true) {
        self.setup = setup
        self.isProbing = isProbing
        let isNamed = { (sample: IPAddress) in clients.contains { ($0.v6 != nil) == (sample.v6 != nil) } }
        self.clients = clients + Self.sampleClients.filter { !isNamed($0) }
    }

    /// Looks at the host of the calling thread's network namespace and tells what it found. Takes a second where the segment
    /// is asked, and two for each probe that is not answered.
    public func examine() throws(SetupError) -> Diagnosis {
        let (host, plan) = try setup.survey()
        let evidence = EvidenceGatherer(
            request: setup.request, host: host, clients: clients, isProbing: isProbing
        ).gather()
        return Diagnosis(setup.request, host: host, plan: plan, evidence: evidence)
    }
}
