internal import CLinux
internal import Glibc
public import NetworkAddress

/// The frames that arrive at one interface, all or some of them, and a way to put frames on it: an AF_PACKET socket with a TPACKET_V3
/// receive ring and `PACKET_VNET_HDR`.
///
/// Frames arrive in batches and stay where the kernel put them; what is to be sent is queued and goes out with one
/// system call per batch. Not for use by two threads at once.
///
/// ```
/// while var batch = socket.receive() {
///     while let frame = batch.nextFrame() { socket.transmit(frame.bytes, frame.header) }
///     socket.flush()                 // frames sent lie in the batch: send before giving it back
///     socket.release(batch)
/// }
/// ```
public struct PacketSocket: ~Copyable {
    /// The interface's name when the socket was opened.
    public let interface: String
    private var opened: OpenedSocket
    private var queue = TransmitQueue()
    private var counters = PacketCounters()
    private var groups: GroupListener?

    /// The group whose frames are shared out among its members; nil: this is no member of any.
    public let group: FanoutGroup?
    private let portion: Portion

    /// Takes the frames that arrive at `interface` from now on; those that the host sends are not among them.
    /// Equivalent to: `tcpdump -Q in -i INTERFACE`. Needs CAP_NET_RAW; nothing on the interface changes.
    ///
    /// A share of a group's frames is taken once ``admit(_:)`` says so: until all members are there, others get what will be its
    /// own. The first member gets all of the group's frames until ``steer(by:)`` was called.
    public init(
        interface: String, ring geometry: RingGeometry = .standard, taking portion: Portion = .everything
    ) throws(PacketIOError) {
        let opened = try OpenedSocket(interface: interface, geometry: geometry, filter: portion.filter)
        var group: FanoutGroup?
        if case .share(let joined) = portion {
            group = try opened.join(joined, interface)
        } else if let filter = portion.filter {
            try opened.attach(filter, interface)
        }
        self.interface = interface
        self.portion = portion
        self.group = group
        self.opened = opened
    }

    /// Takes a member's share of what arrives from now on, or nothing. What was taken before stays.
    public func admit(_ isAdmitted: Bool) throws(PacketIOError) {
        guard let filter = portion.filter else { return }
        try opened.attach(isAdmitted ? filter : .nothing, interface)
    }

    /// Shares the group's frames out among its members like this from now on. The socket is a member of a group.
    public func steer(by steering: Steering) throws(PacketIOError) {
        try opened.steer(by: steering.program, interface)
    }

    /// The interface's index when the socket was opened (`ip link` shows it in front of the name).
    public var index: Int { opened.index }

    /// The interface's own MAC when the socket was opened.
    public var address: MACAddress { opened.address }

    /// What to poll for POLLIN (a batch is there) and POLLERR (the interface went away).
    public var pollDescriptor: CInt { opened.descriptor.rawValue }

    /// The next batch if there is one; never waits. Give it back with `release(_:)` before asking for another.
    @inline(__always)
    public mutating func receive() -> FrameBatch? {
        guard let block = opened.ring.take() else { return nil }
        return FrameBatch(block: block)
    }

    /// Gives a batch back to the kernel. Frames queued from it must have been flushed.
    @inline(__always)
    public mutating func release(_ batch: consuming FrameBatch) {
        opened.ring.give(batch.block)
    }

    /// Queues a frame to be sent with the next flush; it must stay as it is until then.
    @inline(__always)
    public mutating func transmit(_ frame: UnsafeMutableRawBufferPointer, _ header: VirtioNetHeader) {
        if queue.isFull { flush() }
        queue.append(frame, header)
    }

    /// Sends what is queued, bypassing the interface's queueing discipline. A frame the kernel refuses is counted, not
    /// retried: like a packet a router has no room for.
    @inline(__always)
    public mutating func flush() {
        if queue.count > 0 { queue.flush(to: opened.descriptor.rawValue, &counters) }
    }

    /// Has the interface, and the switch it is connected to, let frames for an IPv6 group through to it, until the socket is
    /// closed. Equivalent to: `ip maddr add 33:33:… dev INTERFACE`, and a report of the membership to the switch (MLD,
    /// RFC 3810), which the kernel makes where the interface has IPv6. Needs CAP_NET_RAW.
    public mutating func join(_ group: IPv6Address) throws(PacketIOError) {
        try opened.join(MACAddress(group: group), interface)
        if groups == nil { groups = GroupListener(index: opened.index) }
        groups?.join(group)
    }

    /// Why the socket is of no more use, or nil: what POLLERR stands for. Reading it clears it.
    public func failure() -> PacketIOError? {
        let number = OpenedSocket.pendingError(opened.descriptor)
        return number == 0 ? nil : PacketIOError(operation: "receive", interface: interface, number: number)
    }

    /// What went through since the socket was opened.
    public mutating func statistics() -> PacketCounters {
        var kernel = tpacket_stats_v3()
        var length = socklen_t(MemoryLayout<tpacket_stats_v3>.size)
        // The kernel starts from zero after each reading.
        if getsockopt(opened.descriptor.rawValue, SOL_PACKET, PACKET_STATISTICS, &kernel, &length) == 0 {
            counters.received &+= UInt64(kernel.tp_packets)
            counters.ringDrops &+= UInt64(kernel.tp_drops)
        }
        return counters
    }
}
