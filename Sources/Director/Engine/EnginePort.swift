internal import Forwarding
internal import NetworkAddress
internal import PacketIO

/// One interface in the engine's hands: its socket, the VIPs on it and the servers behind it. Belongs to the engine's
/// thread.
final class EnginePort {
    /// What takes the frames of an interface.
    struct Sockets: ~Copyable {
        var packets: PacketSocket
        /// Where there are several workers: what concerns all of them, of which each gets a copy.
        var notices: PacketSocket?

        init(packets: consuming PacketSocket, notices: consuming PacketSocket? = nil) {
            self.packets = packets
            self.notices = notices
        }
    }

    let name: String
    /// Its index in the engine's list, which verdicts name.
    let slot: Int
    /// Nil while the interface is lost.
    var socket: PacketSocket?
    private var notices: PacketSocket?
    /// Whether this worker's share of the packets is taken.
    private var isAdmitted = false
    /// Whether the batch that was given out is one of `notices`: other workers got the same.
    private(set) var isNotice = false
    var vips: [VIPOwnership] = []
    var neighbors: NeighborTable?
    /// The host's interface of that name, as it was when ways were last looked for.
    var interface: HostInterface?
    /// How each server that is behind this interface is reached.
    private(set) var hops: [IPAddress: NextHop] = [:]
    /// The servers and routers whose MACs are kept, whether packets go there or not.
    private(set) var nextHops: Set<IPAddress> = []
    /// Who else on the link servers' packets to the world went to.
    var destinations: Set<IPAddress> = []
    /// The longest IP packet that it takes, in bytes.
    private(set) var mtu = 65_535
    /// Of whom packets to the world were lost, because nobody knows yet where they are: to be asked for after the batch.
    private(set) var wanted: [IPAddress] = []
    /// When to try again while it is lost.
    var retry = Ticks(milliseconds: 0)
    /// Why it could not be taken into use, as it was told; nil: it could, or it is gone.
    var fault: String?
    /// Of the sockets before this one.
    private var earlier = PacketCounters()

    init(name: String, slot: Int) {
        self.name = name
        self.slot = slot
    }

    /// Takes sockets into use: VIPs are asked for anew, and no server is known yet.
    func open(_ sockets: consuming Sockets, vips: [IPAddress], owns: Bool, now: Ticks) {
        let mac = sockets.packets.address
        var random = SystemRandomNumberGenerator()
        self.vips = vips.map { VIPOwnership(vip: $0, mac: mac, owns: owns, now: now, using: &random) }
        neighbors = NeighborTable(mac: mac)
        hops = [:]
        nextHops = []
        destinations = []
        socket = consume sockets.packets
        notices = consume sockets.notices
        isAdmitted = false
    }

    /// Takes this worker's share of the packets from now on, or nothing.
    func admit(_ isAdmitted: Bool) throws(PacketIOError) {
        guard isAdmitted != self.isAdmitted else { return }
        try socket?.admit(isAdmitted)
        self.isAdmitted = isAdmitted
    }

    /// What to poll for batches, and for the interface's loss.
    var pollDescriptors: (packets: CInt?, notices: CInt?) { (socket?.pollDescriptor, notices?.pollDescriptor) }

    /// The next batch if there is one; to be given back before the next is asked for.
    @inline(__always)
    func receive() -> FrameBatch? {
        // In turn, so that neither starves while there is more than enough of the other.
        isNotice.toggle()
        if let batch = isNotice ? notices?.receive() : socket?.receive() { return batch }
        isNotice.toggle()
        return isNotice ? notices?.receive() : socket?.receive()
    }

    /// Gives a batch back; what was queued of it has been sent.
    @inline(__always)
    func release(_ batch: consuming FrameBatch) {
        if isNotice { notices?.release(batch) } else { socket?.release(batch) }
    }

    /// Queues a frame to be sent; false: the interface is lost.
    @inline(__always)
    func transmit(_ frame: UnsafeMutableRawBufferPointer, _ header: VirtioNetHeader) -> Bool {
        socket?.transmit(frame, header) != nil
    }

    /// Sends what is queued.
    @inline(__always)
    func flush() { socket?.flush() }

    /// Why the sockets are of no more use.
    func failure() -> PacketIOError? { socket?.failure() ?? notices?.failure() }

    /// Takes these to be the ways to the servers behind the interface, and these the routers towards the world, each with the
    /// address of ours to ask as; whoever is new among the next hops is asked for, and whoever is not among them any more is
    /// forgotten. `mtu`: the longest IP packet that the interface takes.
    func take(_ hops: [IPAddress: NextHop], routers: [IPAddress: IPAddress] = [:], mtu: Int, now: Ticks) {
        self.hops = hops
        self.mtu = mtu
        nextHops = Set(hops.values.map(\.neighbor)).union(routers.keys)
        neighbors?.forgetAll(but: nextHops.union(destinations))
        for hop in hops.values { neighbors?.watch(hop.neighbor, as: hop.source, now: now) }
        for (router, source) in routers { neighbors?.watch(router, as: source, now: now) }
    }

    /// Somebody is to be asked for. Of many in one batch the first few are: the others' packets come again.
    func note(wanted neighbor: IPAddress) {
        if wanted.count < 64, !wanted.contains(neighbor) { wanted.append(neighbor) }
    }

    /// Those that are to be asked for, once.
    func takeWanted() -> [IPAddress] {
        guard !wanted.isEmpty else { return [] }
        defer { wanted.removeAll(keepingCapacity: true) }
        return wanted
    }

    /// Gives the socket up.
    func close(retry: Ticks) {
        if socket != nil { earlier = counters }
        socket = nil
        notices = nil
        neighbors = nil
        hops = [:]
        nextHops = []
        destinations = []
        self.retry = retry
    }

    /// Over all sockets there were.
    var counters: PacketCounters {
        guard let now = socket?.statistics() else { return earlier }
        var sum = earlier
        sum.add(now)
        if let notices = notices?.statistics() { sum.add(notices) }
        return sum
    }

    /// How `server` is reached from here; nil: not from here, or its MAC is not known.
    func reach(_ server: IPAddress) -> ServicePlan.Reach? {
        guard let mac = socket?.address, let hop = hops[server],
            let destination = neighbors?.station(of: hop.neighbor)
        else { return nil }
        return ServicePlan.Reach(
            station: LinkStation(egress: slot, source: mac, destination: destination), mtu: hop.mtu, source: hop.source)
    }

    /// Shares packets out among the workers like this from now on.
    func steer(by steering: Steering) throws(PacketIOError) { try socket?.steer(by: steering) }

    /// Takes these to be the VIPs; those that stay are left as they are.
    func take(vips: [IPAddress], owns: Bool, now: Ticks) throws(PacketIOError) {
        guard let mac = socket?.address else { return }
        let new = vips.filter { vip in !self.vips.contains { $0.vip == vip } }
        if owns { try socket?.joinGroups(of: new) }
        var random = SystemRandomNumberGenerator()
        self.vips.removeAll { !vips.contains($0.vip) }
        self.vips += new.map { VIPOwnership(vip: $0, mac: mac, owns: owns, now: now, using: &random) }
    }
}

extension PacketSocket {
    /// Gets what is asked about the IPv6 VIPs among these, and what others announce of them. Needs CAP_NET_RAW.
    mutating func joinGroups(of vips: [IPAddress]) throws(PacketIOError) {
        let vips = vips.compactMap(\.v6)
        if !vips.isEmpty { try join(.allNodes) }
        for group in Set(vips.map(\.solicitedNodeGroup)) { try join(group) }
    }
}
