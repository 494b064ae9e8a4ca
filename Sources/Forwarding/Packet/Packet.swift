import NetworkAddress

/// What forwarding needs to know of an IP packet, read from a frame whose every length was checked first.
struct Packet {
    let header: InternetHeader
    /// Of TCP and UDP; 0 in a fragment other than the first, which has none. An ICMP echo's identifier is the port of who asks.
    private(set) var sourcePort: UInt16 = 0
    private(set) var destinationPort: UInt16 = 0
    /// Whether it is an ICMP echo, asked or answered (RFC 792, RFC 4443 §4).
    private(set) var isEchoRequest = false
    private(set) var isEchoReply = false
    /// Of TCP.
    private(set) var flags: TCPFlags = []

    var source: IPv6Address { header.source }
    var destination: IPv6Address { header.destination }
    var transport: UInt8 { header.transport }
    var timeToLive: UInt8 { header.timeToLive }
    /// Of the whole IP packet, in bytes; what the frame holds beyond is padding.
    var totalLength: Int { header.totalLength }
    /// Whether it carries no transport header.
    var isLaterFragment: Bool { header.fragmentOffset > 0 }

    /// The source and destination of a unicast frame that carries IP, or nil where it is something else: another protocol,
    /// tagged with a VLAN, sent to a group, or too short to tell.
    @inline(__always)
    static func ends(of frame: UnsafeRawBufferPointer) -> (source: IPv6Address, destination: IPv6Address)? {
        guard let base = frame.baseAddress, frame.count >= InternetHeader.ethernet + 20, base.byte(at: 0) & 1 == 0
        else {
            return nil
        }
        let ip = base + InternetHeader.ethernet
        switch base.word(at: 12) {
        case InternetHeader.etherTypeIPv4: return (ip.address4(at: 12), ip.address4(at: 16))
        case InternetHeader.etherTypeIPv6 where frame.count >= InternetHeader.ethernet + 40:
            let (source, destination) = (ip.address6(at: 8), ip.address6(at: 24))
            // `::ffff:a.b.c.d` has no business on the wire (RFC 6890 table 20), and stands for IPv4 here.
            guard source.mappedIPv4 == nil, destination.mappedIPv4 == nil else { return nil }
            return (source, destination)
        default: return nil
        }
    }

    /// Reads a frame that ``ends(of:)`` knew the ends of.
    @inline(__always)
    static func read(_ frame: UnsafeRawBufferPointer) throws(DropReason) -> Packet {
        guard let base = frame.baseAddress else { throw .malformed }
        let ip = base + InternetHeader.ethernet
        // The checks of RFC 1812 §5.2.2. A length of 0 is a super-packet's that is longer than the field (or RFC 2675's).
        let isIPv6 = base.word(at: 12) == InternetHeader.etherTypeIPv6
        guard ip.word(at: isIPv6 ? 4 : 2) != 0 else {
            throw ip.byte(at: 0) >> 4 == (isIPv6 ? 6 : 4) ? .oversized : .malformed
        }
        guard let header = InternetHeader(frame: frame) else { throw .malformed }
        guard isIPv6 || InternetChecksum.sum(UnsafeRawBufferPointer(start: ip, count: header.length)) == 0xFFFF else {
            throw .malformed
        }
        // Who sends: a source that is no host's is nobody to answer, and the VIP's own packets do not come from outside.
        guard header.isFromHost, header.source != header.destination else { throw .martian }
        var packet = Packet(header: header)
        if !packet.isLaterFragment { try packet.readTransport(ip) }
        return packet
    }

    private init(header: InternetHeader) {
        self.header = header
    }

    /// RFC 9293 §3.1, RFC 768. The checksum may be a partial one and is the receiver's to check.
    @inline(__always)
    private mutating func readTransport(_ ip: UnsafeRawPointer) throws(DropReason) {
        let start = ip + header.length
        let length = header.totalLength - header.length
        switch header.transport {
        case InternetHeader.tcp:
            guard length >= 20 else { throw .malformed }
            let dataOffset = Int(start.byte(at: 12) >> 4) * 4
            guard dataOffset >= 20, dataOffset <= length else { throw .malformed }
            flags = TCPFlags(rawValue: start.byte(at: 13))
        case InternetHeader.udp:
            guard length >= 8 else { throw .malformed }
        case InternetHeader.icmp where !header.isIPv6 && length >= 8,
            InternetHeader.icmpv6 where header.isIPv6 && length >= 8:
            isEchoRequest = start.byte(at: 0) == (header.isIPv6 ? 128 : 8)
            isEchoReply = start.byte(at: 0) == (header.isIPv6 ? 129 : 0)
            if isEchoRequest { sourcePort = start.word(at: 4) }
            if isEchoReply { destinationPort = start.word(at: 4) }
            return
        default:
            return
        }
        sourcePort = start.word(at: 0)
        destinationPort = start.word(at: 2)
    }
}

extension InternetHeader {
    /// Whether the source can be a single host's address.
    fileprivate var isFromHost: Bool { source.mappedIPv4?.isHost ?? source.isHost }
}
