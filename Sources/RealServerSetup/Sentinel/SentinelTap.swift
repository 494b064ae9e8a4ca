internal import CLinux
internal import Glibc
internal import NetworkAddress

/// A packet socket (packet(7)) that hears every claim of the addresses that matter, as it enters or leaves any Ethernet
/// interface of a network namespace, and that can ask. Nothing on the host changes.
///
/// It is bound to every protocol, with a filter: the kernel shows what the host sends to such sockets alone
/// (`dev_queue_xmit_nit()`, net/core/dev.c), not to one bound to ARP.
struct SentinelTap: ~Copyable {
    /// A claim and where it was heard.
    struct Sighting: Hashable, Sendable {
        var claim: AddressClaim
        /// The interface's index.
        var interface: Int32
        /// Whether the frame left by the interface (`PACKET_OUTGOING`); else it came in.
        var isOutgoing: Bool
    }

    /// How many frames are read at most before the sentinel looks at the time again.
    private static let batch = 256

    /// What to poll for POLLIN.
    let descriptor: Int32

    /// Opens it in the calling thread's namespace. Equivalent to: `tcpdump -i any 'arp or icmp6'`. Needs CAP_NET_RAW.
    init(addresses: [IPAddress]) throws(SetupError) {
        try Capability.requireRawPackets()
        descriptor = try Self.openSocket(TapFilter(addresses: addresses).instructions)
    }

    /// A packet socket that hears what this program lets through, on every interface, from now on.
    static func openSocket(_ program: [TapFilter.Instruction]) throws(SetupError) -> Int32 {
        // Protocol 0: nothing arrives before the filter is in place.
        let descriptor = socket(AF_PACKET, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw Self.failure("open") }
        guard Self.attach(program, to: descriptor) == 0 else {
            let error = Self.failure("attach a filter to")
            close(descriptor)
            throw error
        }
        var everything = sockaddr_ll()
        everything.sll_family = UInt16(AF_PACKET)
        everything.sll_protocol = UInt16(ETH_P_ALL).bigEndian
        guard Self.withName(&everything, { bind(descriptor, $0, $1) }) == 0 else {
            let error = Self.failure("bind")
            close(descriptor)
            throw error
        }
        return descriptor
    }

    deinit { close(descriptor) }

    /// What was heard since the last call; never waits. Returns early after many, so that time is not forgotten in a flood.
    borrowing func receive() -> [Sighting] {
        var sightings: [Sighting] = []
        withUnsafeTemporaryAllocation(byteCount: 256, alignment: 8) { buffer in
            for _ in 0..<Self.batch {
                var link = sockaddr_ll()
                let count = Self.withName(&link) { name, length in
                    var length = length
                    return recvfrom(descriptor, buffer.baseAddress, buffer.count, 0, name, &length)
                }
                guard count >= 0 else {
                    // Another error is a message of an interface that went down (ENETDOWN): reading it has cleared it.
                    if errno == EAGAIN { return }
                    continue
                }
                let frame = UnsafeRawBufferPointer(rebasing: buffer[..<count])
                guard let claim = AddressClaim(frame: frame) else { continue }
                sightings.append(
                    Sighting(
                        claim: claim, interface: link.sll_ifindex,
                        isOutgoing: CInt(link.sll_pkttype) == CInt(PACKET_OUTGOING)))
            }
        }
        return sightings
    }

    /// Puts a frame on an interface; returns false where it could not be sent, as when the interface is gone or down.
    borrowing func send(_ frame: [UInt8], by interface: Int32) -> Bool {
        var link = sockaddr_ll()
        link.sll_family = UInt16(AF_PACKET)
        link.sll_ifindex = interface
        link.sll_protocol = (UInt16(frame[12]) << 8 | UInt16(frame[13])).bigEndian
        return Self.withName(&link) { sendto(descriptor, frame, frame.count, 0, $0, $1) } == frame.count
    }

    private static func failure(_ operation: String) -> SetupError {
        .file(operation: operation, path: "a packet socket (AF_PACKET)", reason: String(cString: strerror(errno)))
    }

    private static func withName<Result>(
        _ link: inout sockaddr_ll, _ body: (UnsafeMutablePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        withUnsafeMutablePointer(to: &link) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_ll>.size))
            }
        }
    }

    /// `struct sock_fprog` (linux/filter.h), laid out as C does it.
    private struct Program {
        var count: UInt16
        var instructions: UnsafePointer<TapFilter.Instruction>?
    }

    private static func attach(_ program: [TapFilter.Instruction], to descriptor: Int32) -> Int32 {
        program.withUnsafeBufferPointer { instructions in
            var program = Program(count: UInt16(instructions.count), instructions: instructions.baseAddress)
            let length = socklen_t(MemoryLayout<Program>.size)
            return setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, length)
        }
    }
}
