internal import ConfigurationFile
internal import Forwarding
internal import NetworkAddress
internal import PacketFilter
internal import PacketIO

/// What the engine is made with. VIPs, servers and answers become those of the plans it is given.
struct EngineSettings: Sendable {
    /// The interfaces, in the order verdicts count them.
    var interfaces: [String]
    /// Every VIP, once.
    var vips: [IPAddress]
    /// Every server, once.
    var servers: [IPAddress]
    /// Whether ARP and Neighbor Discovery for the VIPs are answered.
    var ownsVIPs: Bool
    /// What servers behind address translation answer from, which the host's own stack must not see.
    var answers: [IngressDrop.Answer] = []
    /// Which servers reach the world as which address.
    var outbound: [Outbound.Rule] = []

    /// How many flows of each family are remembered at most: of IPv4 63 bytes each at most, all of it taken at the start. At 2,000
    /// new connections a second and 120 s of TIME_WAIT about 240,000 are remembered; the default is four times as many.
    var flowCapacity = DirectorConfiguration.defaultFlows
    /// For how long.
    var timeouts = FlowTimeouts()
    /// How many threads forward packets, each for clients of its own.
    var workers = 1
    /// How many leading bits of clients' addresses say which of them; see ``Steering``. It stays so until the end: clients
    /// whose worker changed would be strangers to the new one.
    var clientPrefix4 = 32
    var clientPrefix6 = 128
    /// How the kernel shares packets out among the workers.
    var steering: Steering { Steering(ends: owned, prefix4: clientPrefix4, prefix6: clientPrefix6) }
    /// Each worker's ring on each interface.
    var ring: RingGeometry { workers > 1 ? .share(of: workers) : .standard }
    /// ICMP errors a second that packets for the VIPs can provoke, and at once: as the kernel's own
    /// `icmp_msgs_per_sec` and `icmp_msgs_burst` (Documentation/networking/ip-sysctl.rst).
    static let answerRate = 1000
    static let answerBurst = 50
    /// The name of the packet filter's table.
    static let filterTable = "rsdirector"

    /// The addresses that are claimed and answered for: every VIP, and what stands for servers in the world.
    var owned: [IPAddress] { unique(vips + outbound.map(\.address)) }
}
