internal import CNetlink
internal import Glibc
internal import Synchronization

/// A netlink socket that only listens, to groups of one protocol.
///
/// Without libnl, whose receiving stops at an overrun with messages still in the queue.
final class EventSocket: Sendable {
    let descriptor: Int32
    private let isPacketFilter: Bool
    /// Whether the queue was seen to overrun and has not been empty since. Until then the kernel drops without a word:
    /// it says ENOBUFS once (`NETLINK_S_CONGESTED`, net/netlink/af_netlink.c).
    private let isOverrun = Mutex(false)

    /// How many datagrams one `drain` takes at most, so that it ends where they come faster than they are read.
    static let drainLimit = 16_384
    /// No announcement is larger (`NLMSG_GOODSIZE`, include/linux/netlink.h, is 8 KiB at most).
    private static let datagramSize = 1 << 16

    /// Subscribes in the calling thread's network namespace.
    init(_ protocolNumber: Int32, groups: [Int32], receiveBuffer: Int, isPacketFilter: Bool) throws(NetlinkError) {
        let operation = isPacketFilter ? "subscribe to changes of the packet filter" : "subscribe to network changes"
        let type = Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_NETLINK, type, protocolNumber)
        guard descriptor >= 0 else { throw NetlinkRefusal(number: errno).error(operation) }
        if let number = Self.subscribe(descriptor, groups, receiveBuffer) {
            close(descriptor)
            throw NetlinkRefusal(number: number).error(operation)
        }
        self.descriptor = descriptor
        self.isPacketFilter = isPacketFilter
    }

    deinit { close(descriptor) }

    /// Sets the socket up; the error number where the kernel refused.
    private static func subscribe(_ descriptor: Int32, _ groups: [Int32], _ receiveBuffer: Int) -> Int32? {
        var size = Int32(clamping: receiveBuffer)
        let length = socklen_t(MemoryLayout<Int32>.size)
        // A smaller buffer overruns sooner, which is noticed: no reason to give up.
        if setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, length) != 0 {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, length)
        }
        var address = sockaddr_nl()
        address.nl_family = sa_family_t(AF_NETLINK)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_nl>.size))
            }
        }
        guard bound == 0 else { return errno }
        for var group in groups {
            guard setsockopt(descriptor, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, length) == 0 else { return errno }
        }
        return nil
    }

    /// Takes what is there; whether something was lost.
    func drain(into events: inout [NetworkEvent]) -> Bool {
        isOverrun.withLock { isOverrun in
            var buffer = [UInt8](repeating: 0, count: Self.datagramSize)
            var hasLost = isOverrun
            for _ in 0..<Self.drainLimit {
                var sender = sockaddr_nl()
                var length = socklen_t(MemoryLayout<sockaddr_nl>.size)
                // With MSG_TRUNC the length is the datagram's own, also where it did not fit.
                let count = withUnsafeMutablePointer(to: &sender) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        recvfrom(descriptor, &buffer, buffer.count, Int32(MSG_TRUNC), $0, &length)
                    }
                }
                if count < 0 {
                    switch errno {
                    case EINTR: continue
                    case ENOBUFS:
                        isOverrun = true
                        hasLost = true
                        continue
                    default:
                        // EAGAIN: the queue is empty, and the kernel tells of overruns again.
                        isOverrun = false
                        return hasLost
                    }
                }
                guard count <= buffer.count else {
                    hasLost = true
                    continue
                }
                // Only the kernel announces; anybody could send something to this socket's port.
                guard sender.nl_pid == 0 else { continue }
                let datagram = [UInt8](buffer[..<count])
                for event in NetworkEvent.events(in: datagram, isPacketFilter: isPacketFilter)
                where event != events.last {
                    events.append(event)
                }
            }
            return hasLost
        }
    }
}
