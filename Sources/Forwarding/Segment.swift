import NetworkAddress

/// Where things lie in an Ethernet frame that carries IPv4 (IEEE 802.3, RFC 894, RFC 791).
enum FrameLayout {
    static let destinationMAC = 0
    static let sourceMAC = 6
    static let etherType = 12
    static let ethernetHeader = 14
    static let serviceType = 15
    static let totalLength = 16
    static let fragment = 20
    static let timeToLive = 22
    static let transport = 23
    static let headerChecksum = 24
    static let source = 26
    static let destination = 30
    static let shortestIPv4 = 34

    static let etherTypeIPv4: UInt16 = 0x0800
    static let tcp: UInt8 = 6
}

/// The 16 or 32 bits at an offset, in host order. The caller has checked that they lie within the frame.
extension UnsafeRawPointer {
    func word(at offset: Int) -> UInt16 { UInt16(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self)) }
    func long(at offset: Int) -> UInt32 { UInt32(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
    func byte(at offset: Int) -> UInt8 { load(fromByteOffset: offset, as: UInt8.self) }
}

/// What forwarding needs to know of a TCP segment over IPv4, read from a frame whose every length was checked first.
struct Segment {
    var key: FlowKey
    var flags: TCPFlags
    var timeToLive: UInt8
    /// The length of the IPv4 packet, in bytes; what the frame holds beyond is padding.
    var totalLength: Int

    /// The IPv4 destination of a unicast frame, or nil where it is something else: another protocol, tagged with a VLAN,
    /// sent to a group, or too short to tell.
    static func destination(of frame: UnsafeRawBufferPointer) -> UInt32? {
        guard let base = frame.baseAddress, frame.count >= FrameLayout.shortestIPv4,
            base.word(at: FrameLayout.etherType) == FrameLayout.etherTypeIPv4,
            base.byte(at: FrameLayout.destinationMAC) & 1 == 0
        else { return nil }
        return base.long(at: FrameLayout.destination)
    }

    /// Reads a frame that ``destination(of:)`` knew the destination of.
    init(_ frame: UnsafeRawBufferPointer) throws(DropReason) {
        guard let base = frame.baseAddress, frame.count >= FrameLayout.shortestIPv4 else { throw .malformed }
        let available = frame.count - FrameLayout.ethernetHeader
        let ip = base + FrameLayout.ethernetHeader

        // 1. The IPv4 header (RFC 791 §3.1, checks as in RFC 1812 §5.2.2).
        let headerLength = Int(ip.byte(at: 0) & 0x0F) * 4
        guard ip.byte(at: 0) >> 4 == 4, headerLength >= 20, headerLength <= available else { throw .malformed }
        guard InternetChecksum.sum(UnsafeRawBufferPointer(start: ip, count: headerLength)) == 0xFFFF else {
            throw .malformed
        }
        totalLength = Int(base.word(at: FrameLayout.totalLength))
        guard totalLength != 0 else { throw .oversized }
        guard totalLength >= headerLength, totalLength <= available else { throw .malformed }

        // 2. Who sends. A source that is no host's is nobody to answer, and the VIP's own packets do not come from outside.
        let client = base.long(at: FrameLayout.source)
        let vip = base.long(at: FrameLayout.destination)
        guard IPv4Address(rawValue: client).isHost, client != vip else { throw .martian }

        // 3. Nothing beyond is looked at in a fragment (more to come, or not at the start).
        guard base.word(at: FrameLayout.fragment) & 0x3FFF == 0 else { throw .fragment }
        guard base.byte(at: FrameLayout.transport) == FrameLayout.tcp else { throw .noService }

        // 4. The TCP header (RFC 9293 §3.1). Its checksum may be a partial one and is the receiver's to check.
        let segmentLength = totalLength - headerLength
        guard segmentLength >= 20 else { throw .malformed }
        let tcp = ip + headerLength
        let dataOffset = Int(tcp.byte(at: 12) >> 4) * 4
        guard dataOffset >= 20, dataOffset <= segmentLength else { throw .malformed }

        key = FlowKey(client: client, vip: vip, clientPort: tcp.word(at: 0), port: tcp.word(at: 2))
        flags = TCPFlags(rawValue: tcp.byte(at: 13))
        timeToLive = base.byte(at: FrameLayout.timeToLive)
    }
}
