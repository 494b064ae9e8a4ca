internal import CLinux
internal import Glibc
public import NetworkAddress

/// A socket of a host's that the test itself speaks through: UDP, or ICMP as it is.
public final class LabSocket: Sendable {
    /// What came.
    public struct Message: Sendable {
        /// From whom.
        public var source: IPv4Address
        /// From which port; 0 with ICMP.
        public var port: UInt16
        /// With ICMP from its type on.
        public var bytes: [UInt8]
    }

    private let descriptor: Int32
    private let isRaw: Bool

    /// UDP on this port of one address, or of every; nil: ICMP, whose kernel answers echoes by itself. Needs CAP_SYS_ADMIN, to
    /// enter the host's namespace.
    public init(on host: LabHost, udp port: UInt16?, at address: IPv4Address = .any) throws {
        isRaw = port == nil
        let type = port == nil ? Int32(SOCK_RAW.rawValue) : Int32(SOCK_DGRAM.rawValue)
        let transport = Int32(port == nil ? IPPROTO_ICMP : IPPROTO_UDP)
        descriptor = try host.inside {
            let opened = socket(AF_INET, type | Int32(SOCK_CLOEXEC.rawValue), transport)
            guard opened >= 0 else { throw LabError("socket: \(String(cString: strerror(errno)))") }
            var name = Self.name(address, port ?? 0)
            let isBound = Self.with(&name) { bind(opened, $0, $1) } == 0
            guard isBound else {
                close(opened)
                throw LabError("bind \(port ?? 0): \(String(cString: strerror(errno)))")
            }
            return opened
        }
    }

    deinit { close(descriptor) }

    /// Sends what is to be in one packet; with another TTL than the host's where one is given.
    public func send(_ bytes: [UInt8], to address: IPv4Address, port: UInt16 = 0, timeToLive: Int32 = 64) {
        var timeToLive = timeToLive
        setsockopt(descriptor, Int32(IPPROTO_IP), IP_TTL, &timeToLive, socklen_t(MemoryLayout<Int32>.size))
        var name = Self.name(address, port)
        _ = Self.with(&name) { sendto(descriptor, bytes, bytes.count, 0, $0, $1) }
    }

    /// What has come since the last time.
    public func receive() -> [Message] {
        var messages: [Message] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            var name = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let count = withUnsafeMutablePointer(to: &name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    recvfrom(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT), $0, &length)
                }
            }
            // An ICMP error about what was sent before is no message.
            guard count >= 0 || errno == ECONNREFUSED else { return messages }
            guard count >= 0 else { continue }
            let header = isRaw ? Int(buffer[0] & 0x0F) * 4 : 0
            messages.append(
                Message(
                    source: IPv4Address(rawValue: UInt32(bigEndian: name.sin_addr.s_addr)),
                    port: UInt16(bigEndian: name.sin_port), bytes: Array(buffer[header..<count])))
        }
    }

    /// An ICMP echo request.
    public static func echo(identifier: UInt16, sequence: UInt16) -> [UInt8] {
        var words: [UInt16] = [8 << 8, 0, identifier, sequence, 0x7069, 0x6E67]
        let sum = words.reduce(UInt32(0)) { $0 + UInt32($1) }
        words[1] = ~UInt16(truncatingIfNeeded: sum & 0xFFFF + sum >> 16)
        return words.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    }

    private static func name(_ address: IPv4Address, _ port: UInt16) -> sockaddr_in {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = address.rawValue.bigEndian
        return name
    }

    private static func with<Value>(
        _ name: inout sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value
    ) -> Value {
        withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
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
