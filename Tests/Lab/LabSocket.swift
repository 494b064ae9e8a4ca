internal import CLinux
internal import Glibc
public import NetworkAddress

/// A socket of a host's that the test itself speaks through: UDP, or ICMP as it is; of either family.
public final class LabSocket: Sendable {
    /// What came.
    public struct Message: Sendable {
        /// From whom.
        public var source: IPAddress
        /// From which port; 0 with ICMP.
        public var port: UInt16
        /// With ICMP from its type on.
        public var bytes: [UInt8]
    }

    private let descriptor: Int32
    private let isIPv6: Bool
    private let isRaw: Bool

    /// UDP on this port of one address, or of every one of its family; nil: ICMP, whose kernel answers echoes by itself. Needs
    /// CAP_SYS_ADMIN, to enter the host's namespace.
    public init(on host: LabHost, udp port: UInt16?, at address: IPAddress = .v4(.any)) throws {
        isRaw = port == nil
        isIPv6 = address.v6 != nil
        let type = port == nil ? Int32(SOCK_RAW.rawValue) : Int32(SOCK_DGRAM.rawValue)
        let icmp = isIPv6 ? Int32(IPPROTO_ICMPV6) : Int32(IPPROTO_ICMP)
        let transport = port == nil ? icmp : Int32(IPPROTO_UDP)
        descriptor = try host.inside {
            let opened = socket(address.v6 != nil ? AF_INET6 : AF_INET, type | Int32(SOCK_CLOEXEC.rawValue), transport)
            guard opened >= 0 else { throw LabError("socket: \(String(cString: strerror(errno)))") }
            guard SocketName.with(address, port: port ?? 0, { bind(opened, $0, $1) }) == 0 else {
                close(opened)
                throw LabError("bind \(address) \(port ?? 0): \(String(cString: strerror(errno)))")
            }
            return opened
        }
    }

    deinit { close(descriptor) }

    /// Sends what is to be in one packet; with another TTL or hop limit than the host's where one is given.
    public func send(_ bytes: [UInt8], to address: IPAddress, port: UInt16 = 0, timeToLive: Int32 = 64) {
        var timeToLive = timeToLive
        let (level, option) = isIPv6 ? (IPPROTO_IPV6, IPV6_UNICAST_HOPS) : (IPPROTO_IP, IP_TTL)
        setsockopt(descriptor, Int32(level), option, &timeToLive, socklen_t(MemoryLayout<Int32>.size))
        // The kernel refuses a raw socket of IPv6 any port but its own protocol's.
        _ = SocketName.with(address, port: isRaw ? 0 : port) { sendto(descriptor, bytes, bytes.count, 0, $0, $1) }
    }

    /// What has come since the last time.
    public func receive() -> [Message] {
        var messages: [Message] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            var count = 0
            let from = SocketName.taken { name, length in
                count = recvfrom(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT), name, &length)
            }
            // An ICMP error about what was sent before is no message.
            guard count >= 0 || errno == ECONNREFUSED else { return messages }
            guard count >= 0, let from else { continue }
            // Of IPv4 a raw socket gets the packet with its header.
            let header = isRaw && !isIPv6 ? Int(buffer[0] & 0x0F) * 4 : 0
            messages.append(
                Message(
                    source: from.address, port: isRaw ? 0 : from.port, bytes: Array(buffer[min(header, count)..<count]))
            )
        }
    }

    /// An ICMP echo request; the kernel fills in the checksum of ICMPv6 (RFC 3542 §3.1).
    public static func echo(identifier: UInt16, sequence: UInt16, isIPv6: Bool = false) -> [UInt8] {
        var words: [UInt16] = [isIPv6 ? 128 << 8 : 8 << 8, 0, identifier, sequence, 0x7069, 0x6E67]
        let sum = words.reduce(UInt32(0)) { $0 + UInt32($1) }
        words[1] = ~UInt16(truncatingIfNeeded: sum & 0xFFFF + sum >> 16)
        return words.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    }
}

extension LabHost {
    /// Runs `body` on a thread of its own in this host's namespace.
    public func inside<Value>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
        let path = "/run/netns/\(namespace)"
        return try FreshNamespace.run(
            entering: {
                let entrance = open(path, O_RDONLY | O_CLOEXEC)
                guard entrance >= 0 else { return false }
                defer { close(entrance) }
                return clinux_enter_network(entrance) == 0
            }, body)
    }

    /// Has the host put whole checksums into what it sends by `eth0`, and cut it itself: a veth would leave both to whoever takes
    /// it. Equivalent to: `ethtool -K eth0 tx off`.
    public func completeChecksums() throws {
        try inside {
            let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            defer { close(descriptor) }
            // SIOCETHTOOL; struct ethtool_value { ETHTOOL_STXCSUM, 0 }; struct ifreq { name, pointer to it }
            // (include/uapi/linux/ethtool.h).
            var value: [UInt32] = [0x17, 0]
            let isDone = value.withUnsafeMutableBytes { value in
                var request = [UInt8](repeating: 0, count: 40)
                return request.withUnsafeMutableBytes { request in
                    request.copyBytes(from: "eth0".utf8)
                    request.storeBytes(of: value.baseAddress, toByteOffset: 16, as: UnsafeMutableRawPointer?.self)
                    guard let start = request.baseAddress else { return false }
                    return ioctl(descriptor, 0x8946, start) == 0
                }
            }
            guard isDone else { throw LabError("SIOCETHTOOL: \(String(cString: strerror(errno)))") }
        }
    }
}
