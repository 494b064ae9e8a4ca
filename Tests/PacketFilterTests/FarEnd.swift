internal import CLinux
internal import Glibc
internal import Lab
internal import NetworkAddress

/// A namespace with one wire: `va` is the host's interface, `vb` the far end, which has no stack of its own and from
/// which frames are sent and seen raw (packet(7)).
///
/// ```
///   the host: lo ── va 10.0.0.5/24, 2001:db8::5/64 ════ vb: this
/// ```
final class FarEnd {
    static let local4 = IPAddress.v4(IPv4Address(10, 0, 0, 5))
    static let local6 = IPAddress.v6(IPv6Address(high: 0x2001_0db8_0000_0000, low: 5))
    private static let hostMAC: [UInt8] = [2, 0, 0, 0, 0, 0x0A]
    private static let ownMAC: [UInt8] = [2, 0, 0, 0, 0, 0x0B]

    private let descriptor: Int32
    /// Each SYN is of a connection of its own: a second one is answered only when the first has been forgotten.
    private var clientPort: UInt16 = 40_000

    /// Runs `body` in such a namespace.
    static func run<Result>(_ body: @escaping @Sendable (FarEnd) throws -> Result) throws -> Result {
        try FreshNamespace.run {
            for line in [
                "ip link add va type veth peer name vb", "ip link set va address 02:00:00:00:00:0a",
                "ip link set vb address 02:00:00:00:00:0b", "sysctl -qw net.ipv6.conf.vb.disable_ipv6=1",
                "sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.va.rp_filter=0", "ip link set lo up",
                "ip link set vb up", "ip link set va up",
            ] {
                try Command.require(line)
            }
            // The kernel sees the carrier some time later: until then it drops what is sent, and has no IPv6.
            for end in ["va", "vb"] {
                try Deadline.block(until: "a carrier on \(end)") {
                    try Command.require("ip -o link show dev \(end)").output.contains("state UP")
                }
            }
            try add("10.0.0.5/24", to: "va")
            try add("2001:db8::5/64", to: "va")
            return try body(try FarEnd())
        }
    }

    /// Gives the host an address, and waits until packets to it are taken in.
    static func add(_ address: String, to interface: String) throws {
        let isVersion6 = address.contains(":")
        try Command.require("ip addr add \(address) dev \(interface)" + (isVersion6 ? " nodad" : ""))
        guard isVersion6 else { return }
        // Also where no duplicate is looked for, the address is tentative, and has no route, until the kernel's worker
        // has seen it.
        let host = address.prefix { $0 != "/" }
        try Deadline.block(until: "\(address) to be ready") {
            let tentative = try Command.require("ip -o -6 addr show tentative").output
            let routes = try Command.require("ip -6 route show table local").output
            return !tentative.contains(" \(host)/") && routes.contains("local \(host) ")
        }
    }

    private init() throws {
        let index = if_nametoindex("vb")
        let everything = UInt16(ETH_P_ALL).bigEndian
        descriptor = socket(AF_PACKET, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), Int32(everything))
        guard index > 0, descriptor >= 0 else { throw LabError("vb: \(String(cString: strerror(errno)))") }
        var address = sockaddr_ll()
        address.sll_family = UInt16(AF_PACKET)
        address.sll_protocol = everything
        address.sll_ifindex = Int32(index)
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_ll>.size))
            }
        }
        guard code == 0 else { throw LabError("bind vb: \(String(cString: strerror(errno)))") }
    }

    deinit { close(descriptor) }

    /// Puts an IP packet on the wire towards the host.
    func send(_ packet: [UInt8]) throws {
        let isVersion4 = packet[0] >> 4 == 4
        let frame = Self.hostMAC + Self.ownMAC + (isVersion4 ? [0x08, 0x00] : [0x86, 0xDD]) + packet
        guard Glibc.send(descriptor, frame, frame.count, 0) == frame.count else {
            throw LabError("send: \(String(cString: strerror(errno)))")
        }
    }

    /// The next frame that the host sent and of which `select` makes something.
    func next<Value>(_ what: String, _ select: ([UInt8]) throws -> Value?) throws -> Value {
        while true {
            var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard Glibc.poll(&poll, 1, 10_000) == 1 else { throw LabError("10 s without \(what)") }
            var frame = [UInt8](repeating: 0, count: 2048)
            let count = recv(descriptor, &frame, frame.count, 0)
            guard count >= 34, Array(frame[6..<12]) == Self.hostMAC else { continue }
            if let value = try select(Array(frame[..<count])) { return value }
        }
    }

    /// The segment size in the SYN-ACK with which the host answers a SYN from `client`.
    func segmentSize(client: IPAddress, vip: IPAddress, offer: UInt16 = 1460) throws -> Int {
        let neighbor = "ip neigh replace \(client) lladdr 02:00:00:00:00:0b dev va nud permanent"
        try Command.require(neighbor)
        clientPort += 1
        let syn = Frame.syn(from: client, port: clientPort, to: vip, port: 80, mss: offer)
        try send(Frame.packet(from: client, to: vip, protocol: 6, payload: syn))
        let header = vip.v4 != nil ? 20 : 40
        let source = vip.v4 != nil ? 12..<16 : 8..<24
        return try next("a SYN-ACK from \(vip)") { frame in
            let packet = Array(frame[14...])
            guard packet.count >= header + 24, Array(packet[source]) == Frame.bytes(vip),
                case let segment = Array(packet[header...]), segment[13] == 0x12, segment[20] == 2
            else { return nil }
            return Int(segment[22]) << 8 | Int(segment[23])
        }
    }
}

/// Everything of one IP protocol that the host's own stack takes in (raw(7)).
final class Delivered {
    private let descriptor: Int32
    private let isVersion4: Bool

    init(protocol number: UInt8, version4: Bool) throws {
        isVersion4 = version4
        descriptor = socket(
            version4 ? AF_INET : AF_INET6, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), Int32(number))
        guard descriptor >= 0 else { throw LabError("raw socket: \(String(cString: strerror(errno)))") }
    }

    deinit { close(descriptor) }

    /// The sources of what came in, in order, up to and with the first packet from `last`.
    func sources(until last: IPAddress) throws -> [IPAddress] {
        var sources: [IPAddress] = []
        while sources.last != last {
            var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard Glibc.poll(&poll, 1, 10_000) == 1 else { throw LabError("10 s without a packet from \(last)") }
            sources.append(try receive())
        }
        return sources
    }

    private func receive() throws -> IPAddress {
        var buffer = [UInt8](repeating: 0, count: 2048)
        var name = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let count = withUnsafeMutablePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                recvfrom(descriptor, &buffer, buffer.count, 0, $0, &length)
            }
        }
        guard count >= 0 else { throw LabError("recvfrom: \(String(cString: strerror(errno)))") }
        if isVersion4 {
            return .v4(IPv4Address(rawValue: buffer[12..<16].reduce(0) { $0 << 8 | UInt32($1) }))
        }
        let bytes = withUnsafeBytes(of: name.sin6_addr) { Array($0) }
        return .v6(
            IPv6Address(
                high: bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) },
                low: bytes[8...].reduce(0) { $0 << 8 | UInt64($1) }))
    }
}
