internal import NetworkAddress

/// What the engine is made with; none of it changes while it runs.
struct EngineSettings: Sendable {
    /// The interfaces, in the order verdicts count them.
    var interfaces: [String]
    /// Every VIP, once.
    var vips: [IPv4Address]
    /// Every server, once.
    var servers: [IPv4Address]
    /// Whether ARP for the VIPs is answered.
    var ownsVIPs: Bool

    /// How many flows are remembered at most: 48 bytes each at most, all of it taken at the start. At 2,000 new
    /// connections a second and 120 s of TIME_WAIT about 240,000 are remembered; this is four times as many.
    static let flowCapacity = 1 << 20
    /// ICMP errors a second that packets for the VIPs can provoke, and at once: as the kernel's own
    /// `icmp_msgs_per_sec` and `icmp_msgs_burst` (Documentation/networking/ip-sysctl.rst).
    static let answerRate = 1000
    static let answerBurst = 50
    /// The name of the packet filter's table.
    static let filterTable = "rsdirector"
}
