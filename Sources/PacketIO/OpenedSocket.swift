internal import CLinux
internal import Glibc
internal import NetworkAddress

/// The steps that make a packet socket, in the order the kernel wants them.
struct OpenedSocket: ~Copyable {
    let index: Int
    let address: MACAddress
    let descriptor: FileDescriptor
    var ring: MappedRing

    /// - Parameter filter: what will be attached: until then nothing arrives, so that nothing does which it is to keep away.
    init(interface: String, geometry: RingGeometry, filter: FilterProgram? = nil) throws(PacketIOError) {
        let index = if_nametoindex(interface)
        guard index != 0 else {
            throw PacketIOError(operation: "open", interface: interface, cause: .noSuchInterface)
        }
        // 1. Protocol 0: nothing arrives before bind(2) says from where.
        let raw = socket(AF_PACKET, CInt(SOCK_RAW.rawValue) | Self.closeOnExec, 0)
        guard raw >= 0 else { throw PacketIOError.last("socket AF_PACKET", interface) }
        let descriptor = FileDescriptor(adopting: raw)
        // 2. The shape of the ring's frames: it cannot change once there is a ring.
        try Self.set(descriptor, PACKET_VERSION, CInt(TPACKET_V3.rawValue), "PACKET_VERSION", interface)
        try Self.set(descriptor, PACKET_VNET_HDR, CInt(1), "PACKET_VNET_HDR", interface)
        try Self.set(descriptor, PACKET_RESERVE, CUnsignedInt(ReceivedFrame.headroom), "PACKET_RESERVE", interface)
        try Self.set(descriptor, PACKET_IGNORE_OUTGOING, CInt(1), "PACKET_IGNORE_OUTGOING", interface)
        try Self.set(descriptor, PACKET_QDISC_BYPASS, CInt(1), "PACKET_QDISC_BYPASS", interface)
        Self.enlargeSendBuffer(descriptor)
        // 3. The ring.
        var request = tpacket_req3()
        request.tp_block_size = CUnsignedInt(geometry.blockSize)
        request.tp_block_nr = CUnsignedInt(geometry.blockCount)
        request.tp_frame_size = CUnsignedInt(geometry.blockSize)
        request.tp_frame_nr = CUnsignedInt(geometry.blockCount)
        request.tp_retire_blk_tov = CUnsignedInt(geometry.retireMilliseconds)
        try Self.set(descriptor, PACKET_RX_RING, request, "PACKET_RX_RING", interface)
        let ring = try MappedRing(descriptor, geometry: geometry, interface: interface)
        if filter != nil { try Self.attach(.nothing, to: descriptor, interface) }
        // 4. From here frames arrive. Every protocol: only those taps come before nftables' netdev ingress hook.
        let address = try Self.bind(descriptor, index: index, interface)
        self.index = Int(index)
        self.address = address
        self.descriptor = descriptor
        self.ring = ring
    }

    /// Takes frames for a group from the card (`PACKET_ADD_MEMBERSHIP`, packet(7)).
    func join(_ group: MACAddress, _ interface: String) throws(PacketIOError) {
        var request = packet_mreq()
        request.mr_ifindex = CInt(index)
        request.mr_type = UInt16(PACKET_MR_MULTICAST)
        request.mr_alen = 6
        withUnsafeMutableBytes(of: &request.mr_address) { $0.store(group, at: 0) }
        try Self.set(descriptor, PACKET_ADD_MEMBERSHIP, request, "PACKET_ADD_MEMBERSHIP", interface)
    }

    /// Becomes one more member of a group, or the first one of a new group whose identifier the kernel chooses.
    func join(_ group: FanoutGroup?, _ interface: String) throws(PacketIOError) -> FanoutGroup {
        // Type and flags above, identifier below. That what the host sends is left out is unknown to kernels before 6.1, which
        // take any flag.
        let kind = CInt(PACKET_FANOUT_CBPF) | Self.ignoreOutgoing
        let unique = group == nil ? CInt(PACKET_FANOUT_FLAG_UNIQUEID) : 0
        let option = (kind | unique) << 16 | CInt(group?.identifier ?? 0)
        do throws(PacketIOError) {
            try Self.set(descriptor, PACKET_FANOUT, option, "PACKET_FANOUT", interface)
        } catch {
            // An interface that went down meanwhile is an invalid argument here.
            let pending = Self.pendingError(descriptor)
            throw pending == 0 ? error : PacketIOError(operation: "join", interface: interface, number: pending)
        }
        var joined: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        guard getsockopt(descriptor.rawValue, SOL_PACKET, PACKET_FANOUT, &joined, &length) == 0 else {
            throw PacketIOError.last("getsockopt PACKET_FANOUT", interface)
        }
        return FanoutGroup(identifier: UInt16(truncatingIfNeeded: joined))
    }

    /// `PACKET_FANOUT_FLAG_IGNORE_OUTGOING`, which older headers do not have.
    private static let ignoreOutgoing: CInt = 0x4000

    /// Shares a group's frames out by this program.
    func steer(by program: FilterProgram, _ interface: String) throws(PacketIOError) {
        let outcome = program.withOption {
            setsockopt(
                descriptor.rawValue, SOL_PACKET, PACKET_FANOUT_DATA, &$0, socklen_t(MemoryLayout<sock_fprog>.size))
        }
        guard outcome == 0 else { throw PacketIOError.last("setsockopt PACKET_FANOUT_DATA", interface) }
    }

    /// Takes the frames that the program says from now on, and no others (`SO_ATTACH_FILTER`, socket(7)).
    func attach(_ program: FilterProgram, _ interface: String) throws(PacketIOError) {
        try Self.attach(program, to: descriptor, interface)
    }

    private static func attach(
        _ program: FilterProgram, to descriptor: borrowing FileDescriptor, _ interface: String
    ) throws(PacketIOError) {
        let raw = descriptor.rawValue
        let outcome = program.withOption {
            setsockopt(raw, SOL_SOCKET, SO_ATTACH_FILTER, &$0, socklen_t(MemoryLayout<sock_fprog>.size))
        }
        guard outcome == 0 else { throw PacketIOError.last("setsockopt SO_ATTACH_FILTER", interface) }
    }

    /// The error the kernel left on the socket (`SO_ERROR`); 0: none. Reading it clears it.
    static func pendingError(_ descriptor: borrowing FileDescriptor) -> CInt {
        var number: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        return getsockopt(descriptor.rawValue, SOL_SOCKET, SO_ERROR, &number, &length) == 0 ? number : errno
    }

    private static let closeOnExec = CInt(SOCK_CLOEXEC.rawValue)

    private static func set<Value: BitwiseCopyable>(
        _ descriptor: borrowing FileDescriptor, _ option: CInt, _ value: Value, _ name: String, _ interface: String
    ) throws(PacketIOError) {
        var value = value
        guard setsockopt(descriptor.rawValue, SOL_PACKET, option, &value, socklen_t(MemoryLayout<Value>.size)) == 0
        else { throw PacketIOError.last("setsockopt \(name)", interface) }
    }

    /// Room for a burst of super-packets on their way into the device: 8 MiB where CAP_NET_ADMIN allows it, else as
    /// much as `net.core.wmem_max` does. Less is slower, not wrong, so a refusal is not an error.
    private static func enlargeSendBuffer(_ descriptor: borrowing FileDescriptor) {
        var size: CInt = 8 << 20
        let length = socklen_t(MemoryLayout<CInt>.size)
        if setsockopt(descriptor.rawValue, SOL_SOCKET, SO_SNDBUFFORCE, &size, length) != 0 {
            setsockopt(descriptor.rawValue, SOL_SOCKET, SO_SNDBUF, &size, length)
        }
    }

    /// Binds to the interface and returns its MAC.
    private static func bind(
        _ descriptor: borrowing FileDescriptor, index: CUnsignedInt, _ interface: String
    ) throws(PacketIOError) -> MACAddress {
        var link = sockaddr_ll()
        link.sll_family = UInt16(AF_PACKET)
        link.sll_protocol = UInt16(ETH_P_ALL).bigEndian
        link.sll_ifindex = CInt(index)
        var length = socklen_t(MemoryLayout<sockaddr_ll>.size)
        let bound = withUnsafePointer(to: &link) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.bind(descriptor.rawValue, $0, length) }
        }
        guard bound == 0 else { throw PacketIOError.last("bind", interface) }
        // bind(2) succeeds on an interface that is down, and leaves ENETDOWN behind.
        let pending = pendingError(descriptor)
        guard pending == 0 else { throw PacketIOError(operation: "bind", interface: interface, number: pending) }
        let named = withUnsafeMutablePointer(to: &link) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor.rawValue, $0, &length) }
        }
        guard named == 0 else { throw PacketIOError.last("getsockname", interface) }
        guard CInt(link.sll_hatype) == CInt(ARPHRD_ETHER), link.sll_halen == 6 else {
            throw PacketIOError(operation: "bind", interface: interface, cause: .notEthernet(link.sll_hatype))
        }
        return withUnsafeBytes(of: link.sll_addr) { octets in
            MACAddress(rawValue: octets.prefix(6).reduce(0) { $0 << 8 | UInt64($1) })
        }
    }
}
