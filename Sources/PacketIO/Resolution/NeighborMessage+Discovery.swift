internal import NetworkAddress

// Neighbor Discovery for IPv6 as it lies in an Ethernet frame:
//
//   0 Ethernet ─ 14 IPv6: 18 payload length, 20 next header, 21 hop limit, 22 source, 38 destination ─
//   54 ICMPv6: type, code, 56 checksum, 58 flags, 62 target ─ 78 options: type, length in 8 bytes, MAC
extension NeighborMessage {
    static let discoveryEtherType: UInt16 = 0x86DD
    static let longestDiscoveryFrame = options + 8

    /// The two messages (RFC 4861 §4.3, §4.4) with their ICMPv6 types.
    enum DiscoveryType: UInt8 {
        case solicitation = 135
        case advertisement = 136

        /// The option with a MAC that matters in it: the sender's own, or where the target is (RFC 4861 §4.6.1).
        var option: UInt8 { self == .solicitation ? 1 : 2 }
    }

    private static let options = 78
    private static let icmpv6: UInt8 = 58
    /// Bits of an advertisement's first flag byte. The router flag, 0x80, is never ours: a director routes for nobody else.
    private static let solicited: UInt8 = 0x40
    private static let override: UInt8 = 0x20

    /// From a frame with IPv6 in it; nil where it is no valid solicitation or advertisement (RFC 4861 §7.1.1, §7.1.2). One in
    /// fragments, or behind any other extension header, is none (RFC 6980 §5).
    init?(discovery whole: UnsafeRawBufferPointer) {
        guard whole.count >= Self.options, whole[14] >> 4 == 6, whole[20] == Self.icmpv6,
            // One that a router has forwarded has a smaller one.
            whole[21] == 255, let type = DiscoveryType(rawValue: whole[54]), whole[55] == 0,
            case let end = 54 + Int(whole.word(at: 18)), (Self.options...whole.count).contains(end), end % 2 == 0
        else { return nil }
        let frame = UnsafeRawBufferPointer(rebasing: whole[..<end])
        guard frame.sum(22..<end, from: UInt32(end - 54) + UInt32(Self.icmpv6)) == 0xFFFF,
            let found = Options(type.option, of: frame)
        else { return nil }
        let (source, destination, target) = (frame.ipv6(at: 22), frame.ipv6(at: 38), frame.ipv6(at: 62))
        guard !target.isMulticast, !source.isMulticast else { return nil }
        mac = found.mac ?? frame.mac(at: 6)
        overrides = true
        // A group cannot have an address, and answers to it would go to many.
        guard mac.isUnicast else { return nil }
        switch type {
        case .solicitation where source == .any:
            guard destination.isSolicitedNodeGroup, found.mac == nil else { return nil }
            content = .probe(.v6(target))
        case .solicitation:
            content = .request(.v6(target), from: .v6(source))
        case .advertisement:
            let isSolicited = frame[58] & Self.solicited != 0
            guard !(isSolicited && destination.isMulticast) else { return nil }
            overrides = frame[58] & Self.override != 0
            content = isSolicited ? .reply(.v6(target), to: .v6(destination)) : .announcement(.v6(target))
        }
    }

    /// The options of a message.
    private struct Options {
        /// The MAC in the first one of the type looked for; nil: there is none.
        private(set) var mac: MACAddress?

        /// Nil where they are not sound: one of length 0, or past the end (RFC 4861 §4.6).
        init?(_ type: UInt8, of frame: UnsafeRawBufferPointer) {
            var offset = options
            while offset < frame.count {
                guard offset + 8 <= frame.count else { return nil }
                let length = 8 * Int(frame[offset + 1])
                guard length > 0, offset + length <= frame.count else { return nil }
                if frame[offset] == type, length == 8, mac == nil { mac = frame.mac(at: offset + 2) }
                offset += length
            }
        }
    }

    /// Writes the frame and returns its length. What comes from `::` carries no MAC (RFC 4861 §4.3).
    func writeDiscovery(
        _ type: DiscoveryType, of target: IPv6Address, from source: IPv6Address, to receiver: IPv6Address,
        _ destination: MACAddress, into frame: UnsafeMutableRawBufferPointer
    ) -> Int {
        let end = source == .any ? Self.options : Self.options + 8
        let frame = UnsafeMutableRawBufferPointer(rebasing: frame[..<end])
        frame.initializeMemory(as: UInt8.self, repeating: 0)
        frame.store(destination, at: 0)
        frame.store(mac, at: 6)
        frame.store(Self.discoveryEtherType, at: 12)
        frame[14] = 0x60
        frame.store(UInt16(end - 54), at: 18)
        frame[20] = Self.icmpv6
        frame[21] = 255
        frame.store(source, at: 22)
        frame.store(receiver, at: 38)
        frame[54] = type.rawValue
        if type == .advertisement {
            frame[58] = (receiver.isMulticast ? 0 : Self.solicited) | (overrides ? Self.override : 0)
        }
        frame.store(target, at: 62)
        if end > Self.options {
            frame[Self.options] = type.option
            frame[Self.options + 1] = 1
            frame.store(mac, at: Self.options + 2)
        }
        let sum = UnsafeRawBufferPointer(frame).sum(22..<end, from: UInt32(end - 54) + UInt32(Self.icmpv6))
        frame.store(~sum, at: 56)
        return end
    }
}
