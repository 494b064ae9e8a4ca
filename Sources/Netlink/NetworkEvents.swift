internal import CLinux
internal import CNetlink
internal import Glibc

/// What changes in the network namespace of the thread that made this value, as it happens: interfaces, addresses, routes,
/// rules, IPv4 settings and, where asked for, the packet filter.
///
/// May be used from any thread, `receive` by one at a time for the order of events to mean something. The events come late
/// by some microseconds, and the kernel may have moved on: read the state they are about, and after `.lost` all of it.
public final class NetworkEvents: Sendable {
    private let sockets: [EventSocket]
    private let alarm: Int32

    /// Whether changes of the packet filter are among the events: it was asked for, and the kernel let us.
    public let watchesPacketFilter: Bool

    /// Subscribes. Equivalent to: `ip monitor link address route rule netconf` and `nft monitor`. Needs no capability, but for
    /// the packet filter CAP_NET_ADMIN; without it that part is left out (`watchesPacketFilter`).
    ///
    /// Asking for the packet filter loads the kernel's module nf_tables where modules are loaded on demand.
    /// - Parameter receiveBuffer: how many bytes of events the kernel keeps for each of the two sockets, twice that with its
    ///   bookkeeping (socket(7), `SO_RCVBUF`). Over `net.core.rmem_max` it takes CAP_NET_ADMIN to get it.
    public init(includesPacketFilter: Bool, receiveBuffer: Int = 1 << 20) throws(NetlinkError) {
        let groups = [
            RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
            RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_IPV4_NETCONF,
        ].map { Int32($0.rawValue) }
        var sockets = [
            try EventSocket(NETLINK_ROUTE, groups: groups, receiveBuffer: receiveBuffer, isPacketFilter: false)
        ]
        if includesPacketFilter {
            // Refused without CAP_NET_ADMIN, and by a kernel without nf_tables: then that part is left out.
            let groups = [Int32(NFNLGRP_NFTABLES.rawValue)]
            let socket = try? EventSocket(
                NETLINK_NETFILTER, groups: groups, receiveBuffer: receiveBuffer, isPacketFilter: true)
            if let socket { sockets.append(socket) }
        }
        let alarm = clinux_event_open()
        guard alarm >= 0 else { throw NetlinkRefusal(number: errno).error("open an eventfd") }
        self.sockets = sockets
        self.alarm = alarm
        watchesPacketFilter = sockets.count > 1
    }

    deinit { close(alarm) }

    /// What becomes readable when there is something to receive, for a poller of one's own. They belong to this value.
    public var descriptors: [Int32] { sockets.map(\.descriptor) }

    /// Waits until there is something to receive, and says so; false when the time is over (-1: it never is) or somebody
    /// called `wake`.
    public func wait(milliseconds: Int) -> Bool {
        var polled = (descriptors + [alarm]).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let clock = ContinuousClock()
        let end = clock.now + .milliseconds(milliseconds)
        var rest = milliseconds
        while poll(&polled, nfds_t(polled.count), Int32(clamping: rest)) < 0, errno == EINTR {
            guard milliseconds >= 0 else { continue }
            rest = max(0, Int((end - clock.now) / .milliseconds(1)))
        }
        if polled[polled.count - 1].revents != 0 { clinux_event_clear(alarm) }
        return polled.dropLast().contains { $0.revents != 0 }
    }

    /// Ends the `wait` of another thread, or the next one where nobody waits. Any thread may call it.
    public func wake() { clinux_event_signal(alarm) }

    /// Everything that came since the last time, in order of arrival for each of the two sources; empty where nothing did.
    /// Does not block.
    ///
    /// With `.lost` among the events, at their end, read everything anew *after* this returned: what was lost happened before.
    public func receive() -> [NetworkEvent] {
        var events: [NetworkEvent] = []
        var hasLost = false
        for socket in sockets { hasLost = socket.drain(into: &events) || hasLost }
        if hasLost { events.append(NetworkEvent(subject: .lost)) }
        return events
    }
}
