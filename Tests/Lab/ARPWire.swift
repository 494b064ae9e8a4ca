internal import CLinux
internal import Glibc
public import NetworkAddress

/// The far end of a wire, from which who-has are asked and on which what a host says in ARP is seen.
///
/// Frames are written and read raw (packet(7)): no kernel cache stands between the test and the wire. Needs CAP_NET_RAW.
public final class ARPWire {
    private let descriptor: Int32
    private let interface: Int32
    private let station: MACAddress = MACAddress(rawValue: 0x0200_0000_00EE)

    /// An ARP packet (RFC 826) as it was on the wire.
    public struct Packet: Hashable, Sendable {
        /// The Ethernet source.
        public var source: MACAddress
        /// 1 who-has, 2 is-at.
        public var operation: UInt16
        /// Sender protocol address.
        public var sender: IPv4Address
        /// Target protocol address.
        public var target: IPv4Address
    }

    /// Opens the wire's end `interface` in the calling thread's namespace.
    public init(interface name: String) throws {
        let index = if_nametoindex(name)
        guard index > 0 else { throw LabError("\(name): no such interface") }
        let ethernetARP = Int32(UInt16(ETH_P_ARP).bigEndian)
        descriptor = socket(AF_PACKET, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), ethernetARP)
        interface = Int32(index)
        guard descriptor >= 0 else { throw LabError("AF_PACKET: \(String(cString: strerror(errno)))") }
        var address = sockaddr_ll()
        address.sll_family = UInt16(AF_PACKET)
        address.sll_protocol = UInt16(ETH_P_ARP).bigEndian
        address.sll_ifindex = interface
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_ll>.size))
            }
        }
        guard code == 0 else { throw LabError("bind \(name): \(String(cString: strerror(errno)))") }
    }

    deinit { close(descriptor) }

    /// Asks who has `targets`, in order, as a stranger with the address `sender`, and then who has `last`, which must be
    /// answered: ARP is answered in order, so once that answer is here, what was not answered never will be.
    public func answers(
        for targets: [IPv4Address], then last: IPv4Address, sender: IPv4Address
    ) throws -> [IPv4Address: MACAddress] {
        for target in targets + [last] { try ask(target, sender: sender) }
        var answers: [IPv4Address: MACAddress] = [:]
        while answers[last] == nil {
            let packet = try receive()
            if packet.operation == 2, packet.target == sender { answers[packet.sender] = packet.source }
        }
        answers[last] = nil
        return answers
    }

    /// The next who-has for `target`, whoever asks.
    public func nextQuestion(for target: IPv4Address) throws -> Packet {
        try questions(until: target)[0]
    }

    /// Every who-has up to the next one for `target`, the latest first.
    public func questions(until target: IPv4Address) throws -> [Packet] {
        var questions: [Packet] = []
        while true {
            let packet = try receive()
            guard packet.operation == 1 else { continue }
            questions.insert(packet, at: 0)
            if packet.target == target { return questions }
        }
    }

    private func ask(_ target: IPv4Address, sender: IPv4Address) throws {
        var frame: [UInt8] = []
        frame += Self.bytes(MACAddress.broadcast) + Self.bytes(station) + [8, 6]
        frame += [0, 1, 8, 0, 6, 4, 0, 1] + Self.bytes(station) + Self.bytes(sender)
        frame += [0, 0, 0, 0, 0, 0] + Self.bytes(target)
        guard send(descriptor, frame, frame.count, 0) == frame.count else {
            throw LabError("send: \(String(cString: strerror(errno)))")
        }
    }

    private func receive() throws -> Packet {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard Glibc.poll(&poll, 1, 10_000) == 1 else { throw LabError("nothing on the wire for 10 s") }
        var frame = [UInt8](repeating: 0, count: 128)
        let count = recv(descriptor, &frame, frame.count, 0)
        guard count >= 42 else { throw LabError("a frame of \(count) bytes is not ARP") }
        return Packet(
            source: MACAddress(rawValue: Self.number(frame[6..<12])), operation: UInt16(Self.number(frame[20..<22])),
            sender: IPv4Address(rawValue: UInt32(Self.number(frame[28..<32]))),
            target: IPv4Address(rawValue: UInt32(Self.number(frame[38..<42]))))
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }

    private static func bytes(_ address: MACAddress) -> [UInt8] {
        (0..<6).map { UInt8(truncatingIfNeeded: address.rawValue >> UInt64(40 - 8 * $0)) }
    }

    private static func bytes(_ address: IPv4Address) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: address.rawValue >> UInt32(24 - 8 * $0)) }
    }
}
