internal import NetworkAddress
internal import PacketIO

/// The classic BPF program that lets through nothing but claims of the addresses that matter, so that the sentinel sleeps
/// while the host serves (Documentation/networking/filter.rst, linux/filter.h).
///
/// ```
///   IPv4, IPv6 that is not an advertisement … ─► drop, after three to five instructions
///   ARP: the sender is one of ours ─► take
///   advertisement: the last 32 bits of the target are those of one of ours ─► take (the rest is compared later)
/// ```
struct TapFilter: Sendable {
    /// `struct sock_filter`: every field is aligned by itself, so that Swift lays it out as C does.
    struct Instruction: BitwiseCopyable, Hashable {
        var code: UInt16
        var jumpTrue: UInt8
        var jumpFalse: UInt8
        var operand: UInt32
    }

    /// The program.
    let instructions: [Instruction]

    /// The most addresses of one family that are compared in the kernel: with more, every claim comes through. A jump
    /// reaches 255 instructions, and a program must fit into `net.core.optmem_max`, which was 20 KiB for long.
    static let maximumAddresses = 250

    /// Lets through what claims one of `addresses` in an untagged frame, as it enters or leaves an Ethernet interface.
    init(addresses: [IPAddress]) {
        let ipv4 = Set(addresses.compactMap { $0.v4?.rawValue }).sorted()
        let ipv6 = Set(addresses.compactMap { $0.v6.map { UInt32(truncatingIfNeeded: $0.low) } }).sorted()
        // A frame with a tag is seen once more, without it, at the VLAN's own interface.
        let untagged = [Self.load(Self.tagPresent), Self.skip(0, ifEqual: 1, otherwise: 0), Self.drop]
        let ethernet = [Self.load(Self.hardwareType), Self.skip(1, ifEqual: 1, otherwise: 0), Self.drop]
        let arp = untagged + ethernet + Self.word(at: 28, isOneOf: ipv4)
        // IPv6 is asked for the next header first: the host's traffic goes no further.
        let advertisement =
            Self.octet(at: UInt32(NeighborDiscovery.nextHeader), is: NeighborDiscovery.icmp)
            + Self.octet(at: UInt32(NeighborDiscovery.type), is: NeighborDiscovery.advertisement)
            + untagged + ethernet + Self.word(at: UInt32(NeighborDiscovery.target + 12), isOneOf: ipv6)
        // By EtherType. Conditional jumps reach 255 instructions: the far one is by `jump`.
        let branch = [
            Instruction(code: 0x28, jumpTrue: 0, jumpFalse: 0, operand: 12),
            Self.skip(UInt32(ARPMessage.etherType), ifEqual: 3, otherwise: 0),
            Self.skip(UInt32(NeighborDiscovery.etherType), ifEqual: 1, otherwise: 0),
            Self.drop,
            Self.jump(over: UInt32(arp.count)),
        ]
        instructions = branch + arp + advertisement
    }

    /// `SKF_AD_OFF + SKF_AD_HATYPE` and `SKF_AD_VLAN_TAG_PRESENT`.
    private static let hardwareType = UInt32(bitPattern: -0x1000 + 28)
    private static let tagPresent = UInt32(bitPattern: -0x1000 + 48)

    private static let take = Instruction(code: 0x06, jumpTrue: 0, jumpFalse: 0, operand: 256)
    private static let drop = Instruction(code: 0x06, jumpTrue: 0, jumpFalse: 0, operand: 0)

    /// `ld [offset]`: 32 bits.
    private static func load(_ offset: UInt32) -> Instruction {
        Instruction(code: 0x20, jumpTrue: 0, jumpFalse: 0, operand: offset)
    }

    /// `ja`.
    private static func jump(over count: UInt32) -> Instruction {
        Instruction(code: 0x05, jumpTrue: 0, jumpFalse: 0, operand: count)
    }

    /// `jeq #value`: passes over so many instructions.
    private static func skip(_ value: UInt32, ifEqual: UInt8, otherwise: UInt8) -> Instruction {
        Instruction(code: 0x15, jumpTrue: ifEqual, jumpFalse: otherwise, operand: value)
    }

    /// Drops what has another octet there; three instructions.
    private static func octet(at offset: UInt32, is value: UInt8) -> [Instruction] {
        [
            Instruction(code: 0x30, jumpTrue: 0, jumpFalse: 0, operand: offset),
            skip(UInt32(value), ifEqual: 1, otherwise: 0), drop,
        ]
    }

    /// Takes what has one of `values` there, and drops the rest.
    private static func word(at offset: UInt32, isOneOf values: [UInt32]) -> [Instruction] {
        guard values.count <= maximumAddresses else { return [take] }
        let comparisons = values.indices.map { skip(values[$0], ifEqual: UInt8(values.count - $0), otherwise: 0) }
        return [load(offset)] + comparisons + [drop, take]
    }
}
