public import ConfigurationFile
internal import Forwarding
public import NetworkAddress
internal import PacketIO

/// The production packet path over a capture: what a director with this configuration would send, had it received these frames
/// at these times. For bug reports and tests: it touches no interface and needs no privilege, and of the same capture it makes
/// the same file, byte for byte.
///
/// There are no agents and no checks: every server is up by its configured weight. All servers are behind the one interface of
/// the capture.
public struct Replay {
    private let configuration: DirectorConfiguration
    private let seed: UInt64
    private let mtu: Int
    private let mac: MACAddress?

    /// How often expired flows are swept, in milliseconds: as the engine does.
    private static let tick: UInt64 = 100
    private static let expiryBudget = 10_000
    /// What is sent is at most so many times what came in, and a little for a short capture: a header more for each packet is
    /// less. A super-packet that is mostly headers would be as many packets as it has bytes, and fill the disk.
    private static let mostGrowth = (times: 4, more: 1 << 20)

    /// A replay with this configuration.
    ///
    /// - Parameters:
    ///   - seed: of whatever is drawn at random.
    ///   - mtu: the longest IP packet that the way to the servers takes, in bytes, 576 to 65,535. TCP that is longer is taken for
    ///     a super-packet.
    ///   - mac: the director's MAC; nil: where most packets for the VIPs go.
    public init(_ configuration: DirectorConfiguration, seed: UInt64 = 1, mtu: Int = 1500, mac: MACAddress? = nil) {
        self.configuration = configuration
        self.seed = seed
        self.mtu = mtu
        self.mac = mac
    }

    /// Replays the capture at `input`, and puts what would have been sent in `output`, at the times of what caused it. Where the
    /// capture ends before its end, what was whole of it is replayed, and the summary tells.
    ///
    /// - Parameter isInterrupted: looked at between frames: whether it is to end with an error.
    /// - Throws: `DirectorError` where a file cannot be read or written, or too much would be written; `output` is as it was
    ///   then.
    public func run(
        from input: String, to output: String, isInterrupted: () -> Bool = { false }
    ) throws(DirectorError) -> ReplaySummary {
        func checkInterruption() throws(DirectorError) {
            if isInterrupted() { throw DirectorError(operation: "replay \(input)", cause: "it was interrupted") }
        }
        let capture = try CaptureInput(path: input)
        guard input != output, !capture.isSame(as: output) else {
            throw DirectorError(
                operation: "write \(output)", cause: "it is the capture that is read", cure: "name another file")
        }
        // 1. Who is who.
        let plans = Membership(configuration.services.map(\.withoutAgents), now: .now).plans
        let targets = EngineTargets(plans)
        var survey = CaptureSurvey(vips: targets.vips, servers: targets.servers)
        _ = try capture.read { frame, _ throws(DirectorError) in
            try checkInterruption()
            if !frame.isCutShort { survey.look(at: UnsafeRawBufferPointer(frame.bytes)) }
        }
        let director = mac ?? survey.director
        var summary = ReplaySummary(
            input: input, output: output, director: director, isDirectorTold: mac != nil,
            isOutboundLeftOut: !configuration.outbound.isEmpty, isJoinLeftOut: configuration.join != nil)

        // 2. The services, with the servers where the capture has them.
        let own = director ?? .zero
        let reach = { (server: IPAddress) in
            ServicePlan.Reach(
                station: LinkStation(egress: 0, source: own, destination: survey.station(of: server).mac), mtu: mtu,
                source: survey.ownAddress(of: own, towards: server) ?? CaptureSurvey.standIn(towards: server))
        }
        let services = plans.flatMap { $0.services(reach) }
        summary.servers = targets.servers.map { server in
            let begin = plans.isTunnelled(server) ? reach(server).source : nil
            let isSeen = survey.ownAddress(of: own, towards: server) != nil
            return .init(
                address: server, station: survey.station(of: server), tunnel: begin.map { (begin: $0, isSeen: isSeen) })
        }
        var path = PacketPath(
            Forwarder(
                flowCapacity: configuration.flows, seed: seed, timeouts: FlowTimeouts(configuration.timeouts)))
        path.forwarder.setLinkMTUs([mtu])
        path.forwarder.apply(services, now: Ticks(milliseconds: 0))
        let segment = mtu - (services.flatMap(\.servers).map(\.overhead).max() ?? 0)

        // 3. Frame by frame, as the engine does.
        let limit = Self.mostGrowth.times * capture.size + Self.mostGrowth.more
        var outlet: ReplayOutlet?
        var nextTick: UInt64 = 0
        summary.flaw = try capture.read { frame, format throws(DirectorError) in
            try checkInterruption()
            if outlet == nil { outlet = ReplayOutlet(try CaptureWriter(path: output, format, limit: limit)) }
            guard let outlet else { return }
            let now = summary.note(frame, at: format.milliseconds(frame.header))
            if now.milliseconds >= nextTick {
                nextTick = now.milliseconds + Self.tick
                path.forwarder.expire(now: now, budget: Self.expiryBudget)
            }
            guard summary.isForDirector(frame, own) else { return }
            outlet.cause = frame.header
            let packet = Frame(
                captured: frame.bytes, headroom: CaptureReader.headroom, longestPacket: mtu, segment: segment)
            summary.count(path.forward(packet, .none, to: outlet, now: now))
            guard outlet.writer.isFull else { return }
            throw DirectorError(
                operation: "write \(output)",
                cause: "with frame \(summary.frames) of \(input) it would become longer than \(limit) bytes, "
                    + "\(Self.mostGrowth.times) times what was read",
                cure: "leave such frames out of the capture, or raise --mtu, so that they are cut into fewer pieces")
        }
        summary.drops = path.drops
        summary.services = path.forwarder.statistics()
        let writer: CaptureWriter
        if let outlet {
            writer = outlet.writer
        } else {
            writer = try CaptureWriter(path: output, CaptureFormat(isNanoseconds: false))
        }
        summary.sent = writer.count
        try writer.finish()
        return summary
    }
}

/// Where a replay puts what would be sent.
final class ReplayOutlet: FrameOutlet {
    let writer: CaptureWriter
    /// What is being judged: what is sent for it is given its time.
    var cause = CaptureFormat.FrameHeader(seconds: 0, fraction: 0, length: 0, originalLength: 0)

    init(_ writer: CaptureWriter) {
        self.writer = writer
    }

    func transmit(_ frame: UnsafeMutableRawBufferPointer, _ header: VirtioNetHeader, egress: Int) -> Bool {
        writer.append(UnsafeRawBufferPointer(frame), seconds: cause.seconds, fraction: cause.fraction)
        return true
    }

    func flush() {}

    /// Nobody can be asked.
    func ask(for neighbor: IPAddress, egress: Int) {}
}

extension RealServer {
    /// By how much packets to it grow, in bytes.
    fileprivate var overhead: Int { if case .tunnel(let tunnel) = method { tunnel.overhead } else { 0 } }
}

extension [ServicePlan] {
    /// Whether packets go to this server in a tunnel.
    fileprivate func isTunnelled(_ server: IPAddress) -> Bool {
        flatMap(\.servers).contains { if case .tunnel = $0.method { $0.address == server } else { false } }
    }
}

extension DirectorConfiguration.Service {
    /// The same, with nobody to ask: weights are as configured.
    fileprivate var withoutAgents: Self {
        var service = self
        for index in service.servers.indices {
            service.servers[index].agent = nil
            service.servers[index].checks = []
        }
        return service
    }
}
