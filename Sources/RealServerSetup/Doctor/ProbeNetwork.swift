internal import NetworkAddress

/// The two ends of the wire a probe goes by, in each family that is needed: of RFC 2544's benchmarking networks
/// (198.18.0.0/15), and of IPv6's unique local ones (RFC 4193).
struct ProbeNetwork: Hashable, Sendable {
    /// The network's own number, ending in two bits of 0; nil: not needed.
    var v4: IPv4Address?
    /// The same for IPv6.
    var v6: IPv6Address?

    /// A network that nothing of the host's is in.
    ///
    /// - Parameters:
    ///   - seed: where the search begins, so that two hosts, or two runs, rarely take the same.
    ///   - taken: prefixes and addresses that are in use.
    init(needsIPv4: Bool, needsIPv6: Bool, seed: UInt32, avoiding taken: [Prefix]) {
        if needsIPv4 {
            // 2^15 networks of four addresses.
            let candidates = (0..<UInt32(1 << 15)).lazy.map { step in
                IPv4Address(rawValue: 0xC612_0000 | ((seed &+ step) & 0x7FFF) << 2)
            }
            v4 = candidates.first { candidate in
                !taken.contains {
                    $0.contains(.v4(candidate)) || Self.around(.v4(candidate))?.contains($0.address) == true
                }
            }
        }
        if needsIPv6 {
            // fd72:7370:726f::/48, whose 40 bits are letters, and a subnet by the seed.
            v6 = IPv6Address(high: 0xFD72_7370_726F_0000 | UInt64(seed & 0xFFFF), low: 0)
        }
    }

    private static func around(_ address: IPAddress) -> Prefix? {
        Prefix(address, length: address.bitWidth - 2)
    }

    private func address(_ last: UInt8, isIPv6: Bool) -> IPAddress? {
        isIPv6
            ? v6.map { .v6(IPv6Address(high: $0.high, low: $0.low | UInt64(last))) }
            : v4.map { .v4(IPv4Address(rawValue: $0.rawValue | UInt32(last))) }
    }

    private func ends(_ last: UInt8) -> [Prefix] {
        [false, true].compactMap { address(last, isIPv6: $0).flatMap(Self.around) }
    }

    /// The host's ends, each with its network.
    var hostEnds: [Prefix] { ends(1) }

    /// The client's ends, each with its network.
    var clientEnds: [Prefix] { ends(2) }

    /// What IPv6 needs at each end besides, in which it asks for neighbours: the kernel would give one of its own, and ask
    /// with nothing before it has found, in a second, that nobody else has it.
    func linkLocal(isHostEnd: Bool) -> Prefix? {
        v6.flatMap { _ in
            Prefix(.v6(IPv6Address(high: 0xFE80_0000_0000_0000, low: isHostEnd ? 1 : 2)), length: 64)
        }
    }

    /// The client's address of the family of `other`.
    func client(like other: IPAddress) -> IPAddress? { address(2, isIPv6: other.v6 != nil) }

    /// The network of the family of `other`.
    func network(like other: IPAddress) -> Prefix? { address(0, isIPv6: other.v6 != nil).flatMap(Self.around) }
}
