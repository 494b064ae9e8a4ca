internal import CNetlink
internal import Glibc
public import NetworkAddress

/// Something that changed in a network namespace, as the kernel announces it: a reason to look again, not the whole story.
public struct NetworkEvent: Hashable, Sendable {
    /// What changed.
    public var subject: Subject
    /// Whether it is gone. False where it is new or different, and for `packetFilter` and `lost`.
    public var isRemoval: Bool
    /// The netlink port of the socket by which the change was asked for (`nlmsg_pid`); 0: the kernel did it of its own accord,
    /// or was asked another way (ioctl, `/proc/sys`), or does not say.
    public var port: UInt32
    /// The thread that committed a change of the packet filter (`NFTA_GEN_PROC_PID`), as the machine's first pid namespace
    /// numbers it, or nil.
    public var committingThread: Int32?

    /// What can change.
    public enum Subject: Hashable, Sendable {
        /// An interface, by its index and name: its flags, its settings, what it belongs to.
        case link(index: Int32, name: String?)
        /// An address, and the index of its interface.
        case address(IPAddress, interface: Int32)
        /// A route of a table: 254 is main, 255 local.
        case route(table: UInt32)
        /// A routing rule.
        case rule
        /// IPv4 settings of an interface that the kernel announces (`rp_filter`, `forwarding`; not `arp_ignore` nor
        /// `arp_announce`), by its index: -1 is `conf.all`, -2 `conf.default`.
        case settings(interface: Int32)
        /// The nftables rules: one event for each transaction.
        case packetFilter
        /// Events were lost, as more came than were received: anything may have changed.
        case lost
    }

    /// An event made of its parts.
    public init(subject: Subject, isRemoval: Bool = false, port: UInt32 = 0, committingThread: Int32? = nil) {
        self.subject = subject
        self.isRemoval = isRemoval
        self.port = port
        self.committingThread = committingThread
    }

    /// The process that asked for the change, as far as the event tells; nil where the kernel did it.
    ///
    /// A lead, not a proof: see that such a process lives before naming it. For the packet filter it is the thread the kernel
    /// names (`/proc/NUMBER` is there for threads too). Else it is read from the port: the first socket of a process has its
    /// pid for a port, as its own pid namespace numbers it; libnl's sockets have it in the low 22 bits (`& 0x3FFFFF`); a
    /// further socket of a process without libnl has a random port over 2^31 (`netlink_autobind`, net/netlink/af_netlink.c),
    /// whose low 22 bits say nothing.
    public var processID: Int32? {
        if let committingThread { return committingThread }
        let number = Int32(port & 0x3F_FFFF)
        return number == 0 ? nil : number
    }
}

extension NetworkEvent {
    /// The events in one datagram from `NETLINK_ROUTE` or, where `isPacketFilter`, from `NETLINK_NETFILTER`. Messages about
    /// anything else are passed over, and so is what is malformed.
    static func events(in datagram: [UInt8], isPacketFilter: Bool) -> [NetworkEvent] {
        var events: [NetworkEvent] = []
        var rest = datagram[...]
        let headerSize = MemoryLayout<nlmsghdr>.size
        while rest.count >= headerSize {
            let header = rest.withUnsafeBytes { $0.loadUnaligned(as: nlmsghdr.self) }
            let length = Int(header.nlmsg_len)
            guard length >= headerSize, length <= rest.count else { break }
            let payload = [UInt8](rest.prefix(length).dropFirst(headerSize))
            rest = rest.dropFirst((length + 3) & ~3)
            let event = isPacketFilter ? packetFilterEvent(header, payload) : routeEvent(header, payload)
            // Route after route of one table says no more than the first.
            if let event, event != events.last { events.append(event) }
        }
        return events
    }

    /// Every transaction ends with the announcement of a new generation, which tells who committed it.
    private static func packetFilterEvent(_ header: nlmsghdr, _ payload: [UInt8]) -> NetworkEvent? {
        guard Int32(header.nlmsg_type) == NFNL_SUBSYS_NFTABLES << 8 | Int32(NFT_MSG_NEWGEN.rawValue) else { return nil }
        let attributes = NetlinkAttributes(payload, behind: MemoryLayout<nfgenmsg>.size)
        let thread: Int32? = attributes.number(Int(NFTA_GEN_PROC_PID.rawValue))
        return NetworkEvent(
            subject: .packetFilter, port: header.nlmsg_pid, committingThread: thread.map(Int32.init(bigEndian:)))
    }

    private static func routeEvent(_ header: nlmsghdr, _ payload: [UInt8]) -> NetworkEvent? {
        let type = Int(header.nlmsg_type)
        guard let (subject, isRemoval) = subject(type, payload) else { return nil }
        return NetworkEvent(subject: subject, isRemoval: isRemoval, port: header.nlmsg_pid)
    }

    private static func subject(_ type: Int, _ payload: [UInt8]) -> (Subject, isRemoval: Bool)? {
        switch type {
        case RTM_NEWLINK, RTM_DELLINK:
            guard let (header, attributes) = read(payload, ifinfomsg.self) else { return nil }
            // With the bridge's family it is a port that joins or leaves a bridge, and the link stays.
            let isRemoval = type == RTM_DELLINK && Int32(header.ifi_family) == AF_UNSPEC
            return (.link(index: header.ifi_index, name: attributes.string(Int(IFLA_IFNAME))), isRemoval)
        case RTM_NEWADDR, RTM_DELADDR:
            guard let (header, attributes) = read(payload, ifaddrmsg.self),
                let address = attributes.address(Int(IFA_LOCAL)) ?? attributes.address(Int(IFA_ADDRESS))
            else { return nil }
            return (.address(address, interface: Int32(bitPattern: header.ifa_index)), type == RTM_DELADDR)
        case RTM_NEWROUTE, RTM_DELROUTE:
            guard let (header, attributes) = read(payload, rtmsg.self) else { return nil }
            let table = attributes.number(Int(RTA_TABLE.rawValue)) ?? UInt32(header.rtm_table)
            return (.route(table: table), type == RTM_DELROUTE)
        case RTM_NEWRULE, RTM_DELRULE:
            return (.rule, type == RTM_DELRULE)
        case RTM_NEWNETCONF, RTM_DELNETCONF:
            guard let (_, attributes) = read(payload, netconfmsg.self),
                let interface: Int32 = attributes.number(Int(NETCONFA_IFINDEX))
            else { return nil }
            return (.settings(interface: interface), type == RTM_DELNETCONF)
        default: return nil
        }
    }

    private static func read<Header: BitwiseCopyable>(
        _ payload: [UInt8], _: Header.Type
    ) -> (Header, NetlinkAttributes)? {
        guard payload.count >= MemoryLayout<Header>.size else { return nil }
        let header = payload.withUnsafeBytes { $0.loadUnaligned(as: Header.self) }
        return (header, NetlinkAttributes(payload, behind: MemoryLayout<Header>.size))
    }
}
