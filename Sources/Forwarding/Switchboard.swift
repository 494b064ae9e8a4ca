import NetworkAddress

/// Everything of a ``Forwarder`` but the flows themselves: who is served by whom, and what was counted.
struct Switchboard: ~Copyable {
    /// Which way a packet goes; `leaving`: from a server to the world, or to a client.
    enum Way { case toVIP, fromServer, leaving, toTunnelEnd }

    var drops = DropCounters()
    var servers: ServerTable
    var services = ServiceTable()
    /// What the operator calls each of `services`.
    var names: [String] = []
    var stations: StationTable
    var templates: TemplateTable
    var fragments: FragmentTable
    var outbound = OutboundTable()
    /// What `outbound` was made of, and where each rule is counted.
    var outboundRules: [Outbound.Rule] = []
    var outboundSlots: [UInt32] = []
    var onLink: OnLinkTable
    /// How often a port was drawn.
    var draws: UInt64 = 0
    /// The longest IP packet that each interface takes, in bytes, by its index; of one that is not in it nothing is known.
    var linkMTUs: [Int] = []
    private(set) var clock: UInt64 = 0
    /// Of the next outer IPv4 header.
    var identification: UInt16
    /// The key of what must not be guessed.
    let seed: UInt64

    init(seed: UInt64, templateCapacity: Int, loads: LoadBook) {
        self.seed = seed
        servers = ServerTable(loads: loads)
        identification = UInt16(truncatingIfNeeded: seed)
        stations = StationTable(seed: seed)
        templates = TemplateTable(capacity: templateCapacity, seed: seed)
        fragments = FragmentTable(seed: seed)
        onLink = OnLinkTable(seed: seed)
    }

    mutating func advance(to now: Ticks) {
        clock = max(clock, now.milliseconds)
    }

    /// Which way a packet between these ends goes; nil: none of ours. `frame` is as long as its IP header.
    @inline(__always)
    func way(_ frame: UnsafeRawBufferPointer, _ source: IPv6Address, _ destination: IPv6Address) -> Way? {
        if services.owns(destination) { return .toVIP }
        if outbound.leads(from: source, to: destination) { return .leaving }
        if services.mayAnswer(source) { return .fromServer }
        // Errors come from any router: about packets that were translated, or that went through a tunnel.
        guard services.hasInsiders || !outboundSlots.isEmpty || services.isTunnelEnd(destination), Self.isICMP(frame)
        else { return nil }
        return services.isTunnelEnd(destination) ? .toTunnelEnd : .fromServer
    }

    private static func isICMP(_ frame: UnsafeRawBufferPointer) -> Bool {
        guard let base = frame.baseAddress else { return false }
        return base.word(at: 12) == InternetHeader.etherTypeIPv4
            ? base.byte(at: 23) == InternetHeader.icmp : base.byte(at: 20) == InternetHeader.icmpv6
    }

    /// What becomes of a packet: `ip_vs_in` and `ip_vs_out` in `net/netfilter/ipvs/ip_vs_core.c`, but for the TTL: it is
    /// looked at before anything changes, so that flows and counters tell of packets that were sent on.
    @inline(__always)
    mutating func judge<Key: FlowKey>(
        _ frame: inout Frame, _ packet: Packet, _ way: Way, _ flows: inout FlowTable<Key>
    ) throws(DropReason) -> Verdict {
        if packet.isLaterFragment { return try follow(&frame, packet, way) }
        switch packet.transport {
        case InternetHeader.tcp, InternetHeader.udp:
            return way == .toVIP
                ? try forwardToServer(&frame, packet, &flows) : try forwardToClient(&frame, packet, way, &flows)
        case InternetHeader.icmp where !packet.header.isIPv6, InternetHeader.icmpv6 where packet.header.isIPv6:
            return way == .toVIP
                ? try forwardErrorToServer(&frame, packet, &flows)
                : try forwardErrorToClient(&frame, packet, way, &flows)
        default:
            throw way == .leaving ? .untranslatable : .noService
        }
    }

    /// Forgets what has expired of these flows, at most `budget`.
    mutating func expire<Key: FlowKey>(_ flows: inout FlowTable<Key>, budget: Int) {
        var left = budget
        while left > 0, let flow = flows.expired(now: clock) {
            forget(flow, in: &flows)
            left -= 1
        }
    }

    /// Forgets what has expired of the templates, looking at no more than `budget`.
    mutating func expireTemplates(budget: Int) {
        var left = budget
        while let server = templates.expireOne(now: clock, budget: &left) {
            releaseTemplate(of: server)
        }
    }

    /// Forgets a flow, and whatever was remembered for it alone.
    mutating func forget<Key: FlowKey>(_ index: UInt32, in flows: inout FlowTable<Key>) {
        let (flow, template) = (flows[index].pointee, flows.template(of: index))
        flows.remove(index)
        stations.release(flow.station)
        if let template { templates.count(-1, on: template) }
        count(-1, in: flow.state, on: flow.server)
        servers[flow.server].pointee.updateOverload()
        servers.forgetIfUnused(flow.server)
    }

    /// One connection more, or less, of the kind that `state` is.
    @inline(__always)
    mutating func count(_ change: Int, in state: FlowState, on server: UInt32) {
        if state.isActive {
            servers[server].pointee.active += change
        } else {
            servers[server].pointee.inactive += change
        }
    }
}
