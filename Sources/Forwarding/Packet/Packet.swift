import NetworkAddress

/// What forwarding needs to know of an IP packet, read from a frame whose every length was checked first.
struct Packet {
    /// Which of the two it is.
    enum Family { case v4, v6 }

    /// A fragment's place (RFC 791 §3.2, RFC 8200 §4.5).
    struct FragmentPlace {
        var identification: UInt32
        var isFirst: Bool
    }

    var family: Family
    /// IPv4 in IPv4-mapped form, as everywhere in the packet path.
    var source: IPv6Address
    var destination: IPv6Address
    /// The protocol number of what it carries.
    var transport: UInt8
    /// Of TCP and UDP; 0 in a fragment other than the first, which has none.
    var sourcePort: UInt16 = 0
    var destinationPort: UInt16 = 0
    /// Of TCP.
    var flags: TCPFlags = []
    /// IPv6: the hop limit.
    var timeToLive: UInt8
    /// The length of the IP packet, in bytes; what the frame holds beyond is padding.
    var totalLength: Int
    /// Where the transport header begins, from the start of the IP header.
    var headerLength: Int
    /// Nil where it is whole.
    var fragment: FragmentPlace?
    /// IPv4's DF; IPv6 never lets a router fragment.
    var mayNotBeFragmented: Bool

    /// Whether it carries no transport header.
    var isLaterFragment: Bool {
        guard let fragment else { return false }
        return !fragment.isFirst
    }

    /// The source and destination of a unicast frame that carries IP, or nil where it is something else: another protocol,
    /// tagged with a VLAN, sent to a group, or too short to tell.
    @inline(__always)
    static func ends(of frame: UnsafeRawBufferPointer) -> (family: Family, source: IPv6Address, destination: IPv6Address)?
    {
        guard let base = frame.baseAddress, frame.count >= FrameLayout.shortestIPv4,
            base.byte(at: FrameLayout.destinationMAC) & 1 == 0
        else { return nil }
        switch base.word(at: FrameLayout.etherType) {
        case FrameLayout.etherTypeIPv4:
            return (.v4, base.address4(at: FrameLayout.source), base.address4(at: FrameLayout.destination))
        case FrameLayout.etherTypeIPv6:
            guard frame.count >= FrameLayout.shortestIPv6 else { return nil }
            return (.v6, base.address6(at: FrameLayout.source6), base.address6(at: FrameLayout.destination6))
        default:
            return nil
        }
    }

    /// Reads a frame that ``ends(of:)`` knew the ends of.
    @inline(__always)
    static func read(_ frame: UnsafeRawBufferPointer) throws(DropReason) -> Packet {
        guard let ends = Self.ends(of: frame), let base = frame.baseAddress else { throw .malformed }
        let available = frame.count - FrameLayout.ethernetHeader
        var packet =
            switch ends.family {
            case .v4: try ipv4(base + FrameLayout.ethernetHeader, available: available)
            case .v6: try ipv6(base + FrameLayout.ethernetHeader, available: available)
            }
        // Who sends: a source that is no host's is nobody to answer, and the VIP's own packets do not come from outside.
        guard packet.isSourceSound, packet.source != packet.destination else { throw .martian }
        if !packet.isLaterFragment { try packet.readTransport(base + FrameLayout.ethernetHeader) }
        return packet
    }

    private var isSourceSound: Bool {
        switch family {
        case .v4: IPv4Address(rawValue: source.low32).isHost
        case .v6: source.isHost
        }
    }

    /// RFC 791 §3.1, checks as in RFC 1812 §5.2.2. At least 20 bytes are there.
    @inline(__always)
    private static func ipv4(_ ip: UnsafeRawPointer, available: Int) throws(DropReason) -> Packet {
        let headerLength = Int(ip.byte(at: 0) & 0x0F) * 4
        guard ip.byte(at: 0) >> 4 == 4, headerLength >= 20, headerLength <= available else { throw .malformed }
        guard InternetChecksum.sum(UnsafeRawBufferPointer(start: ip, count: headerLength)) == 0xFFFF else {
            throw .malformed
        }
        let totalLength = Int(ip.word(at: 2))
        guard totalLength != 0 else { throw .oversized }
        guard totalLength >= headerLength, totalLength <= available else { throw .malformed }
        let place = ip.word(at: 6)
        return Packet(
            family: .v4, source: ip.address4(at: 12), destination: ip.address4(at: 16), transport: ip.byte(at: 9),
            timeToLive: ip.byte(at: 8), totalLength: totalLength, headerLength: headerLength,
            fragment: place & 0x3FFF == 0
                ? nil : FragmentPlace(identification: UInt32(ip.word(at: 4)), isFirst: place & 0x1FFF == 0),
            mayNotBeFragmented: place & 0x4000 != 0)
    }

    /// RFC 8200 §3 and §4: the extension headers a client may put in front of the transport's. At least 40 bytes are there.
    @inline(__always)
    private static func ipv6(_ ip: UnsafeRawPointer, available: Int) throws(DropReason) -> Packet {
        guard ip.byte(at: 0) >> 4 == 6 else { throw .malformed }
        let payload = Int(ip.word(at: 4))
        // RFC 2675: a jumbogram says 0; so does a super-packet that is longer than the field.
        guard payload != 0 else { throw .oversized }
        let totalLength = 40 + payload
        guard totalLength <= available else { throw .malformed }
        var packet = Packet(
            family: .v6, source: ip.address6(at: 8), destination: ip.address6(at: 24), transport: ip.byte(at: 6),
            timeToLive: ip.byte(at: 7), totalLength: totalLength, headerLength: 40, fragment: nil,
            mayNotBeFragmented: true)
        // Each header once, and those before the fragment header may stand again behind it: seven are more than there are.
        for _ in 0..<7 {
            let offset = packet.headerLength
            switch packet.transport {
            case ProtocolNumber.hopByHop, ProtocolNumber.routing, ProtocolNumber.destinationOptions:
                guard offset + 8 <= totalLength else { throw .malformed }
                packet.headerLength = offset + 8 + Int(ip.byte(at: offset + 1)) * 8
                guard packet.headerLength <= totalLength else { throw .malformed }
            case ProtocolNumber.fragment:
                guard offset + 8 <= totalLength, packet.fragment == nil else { throw .malformed }
                let place = ip.word(at: offset + 2)
                // RFC 6946: offset 0 and no more to come is whole.
                if place & 0xFFF9 != 0 {
                    packet.fragment = FragmentPlace(
                        identification: ip.long(at: offset + 4), isFirst: place & 0xFFF8 == 0)
                }
                packet.headerLength = offset + 8
            default:
                return packet
            }
            packet.transport = ip.byte(at: offset)
            if packet.isLaterFragment { return packet }
        }
        throw .malformed
    }

    /// RFC 9293 §3.1, RFC 768. The checksum may be a partial one and is the receiver's to check.
    @inline(__always)
    private mutating func readTransport(_ ip: UnsafeRawPointer) throws(DropReason) {
        let header = ip + headerLength
        let length = totalLength - headerLength
        switch transport {
        case ProtocolNumber.tcp:
            guard length >= 20 else { throw .malformed }
            let dataOffset = Int(header.byte(at: 12) >> 4) * 4
            guard dataOffset >= 20, dataOffset <= length else { throw .malformed }
            flags = TCPFlags(rawValue: header.byte(at: 13))
        case ProtocolNumber.udp:
            guard length >= 8 else { throw .malformed }
        default:
            return
        }
        sourcePort = header.word(at: 0)
        destinationPort = header.word(at: 2)
    }
}
