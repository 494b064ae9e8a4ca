import NetworkAddress

/// What an IPv4 or IPv6 header says (RFC 791 §3.1, RFC 8200 §3 and §4), read from memory whose every length was checked
/// first. IPv4 addresses are in their IPv4-mapped form.
struct InternetHeader {
    static let ethernet = 14
    static let etherTypeIPv4: UInt16 = 0x0800
    static let etherTypeIPv6: UInt16 = 0x86DD

    static let icmp: UInt8 = 1
    static let ipip: UInt8 = 4
    static let tcp: UInt8 = 6
    static let udp: UInt8 = 17
    static let ipv6: UInt8 = 41
    static let gre: UInt8 = 47
    static let icmpv6: UInt8 = 58

    var isIPv6: Bool
    /// The bytes before the transport header: IPv4's options and IPv6's extension headers are among them.
    var length: Int
    /// The length of the packet, as the header has it.
    var totalLength: Int
    /// The protocol of what follows the header.
    var transport: UInt8
    /// IPv4's type of service, IPv6's traffic class: the DSCP and ECN.
    var serviceType: UInt8
    var timeToLive: UInt8
    var source: IPv6Address
    var destination: IPv6Address
    /// Where in its datagram this fragment's payload belongs, in bytes.
    var fragmentOffset = 0
    var hasMoreFragments = false
    /// What the fragments of one datagram share.
    var identification: UInt32 = 0
    /// IPv4's DF; true of every IPv6 packet, which no router may fragment.
    var mustNotFragment = true

    /// Whether this is part of a datagram only. What lies where ports would be are ports in the first part alone.
    var isFragment: Bool { fragmentOffset > 0 || hasMoreFragments }

    /// Reads the header at the start of `packet`, which may be cut short behind the header; nil where it is unsound.
    ///
    /// Inlined, as is the other one, for the value is too large to be returned in registers: that took a third of the time of
    /// an encapsulation.
    @inline(__always)
    init?(_ packet: UnsafeRawBufferPointer) {
        guard let base = packet.baseAddress, packet.count >= 20 else { return nil }
        switch base.byte(at: 0) >> 4 {
        case 4:
            isIPv6 = false
            length = Int(base.byte(at: 0) & 0x0F) * 4
            totalLength = Int(base.word(at: 2))
            transport = base.byte(at: 9)
            serviceType = base.byte(at: 1)
            timeToLive = base.byte(at: 8)
            source = base.address4(at: 12)
            destination = base.address4(at: 16)
            identification = UInt32(base.word(at: 4))
            let fragment = base.word(at: 6)
            fragmentOffset = Int(fragment & 0x1FFF) * 8
            hasMoreFragments = fragment & 0x2000 != 0
            mustNotFragment = fragment & 0x4000 != 0
            guard length >= 20, length <= packet.count, totalLength >= length else { return nil }
        case 6 where packet.count >= 40:
            isIPv6 = true
            length = 40
            totalLength = 40 + Int(base.word(at: 4))
            transport = base.byte(at: 6)
            serviceType = UInt8(truncatingIfNeeded: base.word(at: 0) >> 4)
            timeToLive = base.byte(at: 7)
            source = base.address6(at: 8)
            destination = base.address6(at: 24)
            guard skipExtensions(base, end: min(packet.count, totalLength)) else { return nil }
        default:
            return nil
        }
    }

    /// Reads the header of the packet in an Ethernet frame, which must be there as a whole; padding may follow it.
    @inline(__always)
    init?(frame: UnsafeRawBufferPointer) {
        guard let base = frame.baseAddress, frame.count > Self.ethernet else { return nil }
        let packet = UnsafeRawBufferPointer(rebasing: frame[Self.ethernet...])
        guard let header = InternetHeader(packet), header.totalLength <= packet.count,
            base.word(at: 12) == (header.isIPv6 ? Self.etherTypeIPv6 : Self.etherTypeIPv4)
        else { return nil }
        self = header
    }

    /// Walks the extension headers up to a transport's, or to a fragment that does not begin with one, as
    /// `ipv6_find_hdr` does (`net/ipv6/exthdrs_core.c`). More than eight are nobody's honest packet.
    private mutating func skipExtensions(_ base: UnsafeRawPointer, end: Int) -> Bool {
        for _ in 0...8 {
            let isKnown: Bool
            switch transport {
            case 0, 43, 60, 51, 44: isKnown = true
            default: isKnown = false
            }
            guard isKnown, fragmentOffset == 0 else { return true }
            guard length + 8 <= end else { return false }
            let size =
                switch transport {
                case 44: 8
                case 51: (Int(base.byte(at: length + 1)) + 2) * 4
                default: (Int(base.byte(at: length + 1)) + 1) * 8
                }
            guard length + size <= end else { return false }
            if transport == 44 {
                fragmentOffset = Int(base.word(at: length + 2) & 0xFFF8)
                hasMoreFragments = base.word(at: length + 2) & 1 != 0
                identification = base.long(at: length + 4)
            }
            transport = base.byte(at: length)
            length += size
        }
        return false
    }

    /// Where the transport's checksum lies behind the start of the packet; nil where there is none, as in a later fragment.
    var checksumOffset: Int? {
        guard fragmentOffset == 0 else { return nil }
        let offset: Int
        switch transport {
        case Self.tcp: offset = length + 16
        case Self.udp: offset = length + 6
        case Self.icmpv6 where isIPv6: offset = length + 2
        default: return nil
        }
        return offset + 2 <= totalLength ? offset : nil
    }
}

/// The sum over the pseudo-header of this packet (RFC 9293 §3.1, RFC 8200 §8.1), with another length of the transport's.
extension InternetHeader {
    func pseudoHeaderSum(length: Int) -> UInt16 {
        InternetChecksum.pseudoHeader(source, destination, transport, length: length)
    }
}
