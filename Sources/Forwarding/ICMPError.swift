import NetworkAddress

/// An ICMP error that the director answers a packet with, in the VIP's name (RFC 792, RFC 1812 §4.3.2).
public enum ICMPError: Hashable, Sendable, CaseIterable {
    /// Destination unreachable, port unreachable: type 3, code 3. No server takes new connections.
    case portUnreachable
    /// Time exceeded in transit: type 11, code 0. The TTL was 1 or less.
    case timeExceeded

    private static let icmp: UInt8 = 1
    private static let headers = FrameLayout.ethernetHeader + 20 + 8
    /// RFC 1812 §4.3.2.3: as much of the packet as makes an answer of no more than 576 bytes.
    private static let longestQuote = 576 - 20 - 8

    /// The size of a buffer that every answer fits into, in bytes.
    public static let longestFrame = headers + longestQuote

    private var typeAndCode: UInt16 {
        switch self {
        case .portUnreachable: 3 << 8 | 3
        case .timeExceeded: 11 << 8 | 0
        }
    }

    /// Writes the whole answer: an Ethernet frame back to where `frame` came from, IPv4 from the address that `frame` went to
    /// (the VIP) to its sender, ICMP quoting its headers and what follows. All checksums are complete.
    ///
    /// - Parameters:
    ///   - frame: the frame to answer, as it was received: a VIP's, for which ``Forwarder/forward(_:now:)`` gave
    ///     ``Verdict/unreachable`` or ``Verdict/timeExceeded``. Answer it through the interface it came in by.
    ///   - buffer: where the answer goes, ``longestFrame`` bytes to be safe. It must not overlap `frame`.
    /// - Returns: the answer's length, or nil where there must be none: the buffer is too short, `frame` is not sound IPv4, is
    ///   ICMP itself, is a fragment other than the first, was sent to a group or by none (RFC 1812 §4.3.2.7).
    public func write(about frame: UnsafeRawBufferPointer, into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        guard let quoted = Self.quotablePacket(in: frame), let received = frame.baseAddress else { return nil }
        let quote = UnsafeRawBufferPointer(rebasing: quoted.prefix(Self.longestQuote))
        let length = Self.headers + quote.count
        guard let base = buffer.baseAddress, buffer.count >= length else { return nil }

        func store<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
            base.storeBytes(of: value.bigEndian, toByteOffset: offset, as: Value.self)
        }

        // 1. Ethernet: back to the station that sent it, from the address it was sent to.
        base.copyMemory(from: received + FrameLayout.sourceMAC, byteCount: 6)
        (base + FrameLayout.sourceMAC).copyMemory(from: received, byteCount: 6)
        store(FrameLayout.etherTypeIPv4, at: FrameLayout.etherType)

        // 2. IPv4: precedence 6, internetwork control (RFC 1812 §4.3.2.5); an identification of 0 with DF, for it will not be
        //    fragmented (RFC 6864 §4.1).
        store(UInt8(0x45), at: FrameLayout.ethernetHeader)
        store(UInt8(0xC0), at: FrameLayout.serviceType)
        store(UInt16(length - FrameLayout.ethernetHeader), at: FrameLayout.totalLength)
        store(UInt16(0), at: 18)
        store(UInt16(0x4000), at: FrameLayout.fragment)
        store(UInt8(64), at: FrameLayout.timeToLive)
        store(Self.icmp, at: FrameLayout.transport)
        store(UInt16(0), at: FrameLayout.headerChecksum)
        store(received.long(at: FrameLayout.destination), at: FrameLayout.source)
        store(received.long(at: FrameLayout.source), at: FrameLayout.destination)
        let header = UnsafeRawBufferPointer(start: base + FrameLayout.ethernetHeader, count: 20)
        store(~InternetChecksum.sum(header), at: FrameLayout.headerChecksum)

        // 3. ICMP.
        store(typeAndCode, at: 34)
        store(UInt16(0), at: 36)
        store(UInt32(0), at: 38)
        UnsafeMutableRawBufferPointer(rebasing: buffer[Self.headers..<length]).copyMemory(from: quote)
        let message = UnsafeRawBufferPointer(start: base + FrameLayout.shortestIPv4, count: 8 + quote.count)
        store(~InternetChecksum.sum(message), at: 36)
        return length
    }

    /// The IPv4 packet in a frame that may be answered with an ICMP error, without the frame's padding.
    private static func quotablePacket(in frame: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard let ends = Packet.ends(of: frame), ends.family == .v4, let base = frame.baseAddress else { return nil }
        let headerLength = Int(base.byte(at: FrameLayout.ethernetHeader) & 0x0F) * 4
        let totalLength = Int(base.word(at: FrameLayout.totalLength))
        guard base.byte(at: FrameLayout.ethernetHeader) >> 4 == 4, headerLength >= 20,
            // RFC 792: the header and at least 64 bits of the data.
            totalLength >= headerLength + 8, totalLength <= frame.count - FrameLayout.ethernetHeader,
            base.word(at: FrameLayout.fragment) & 0x1FFF == 0,
            base.byte(at: FrameLayout.transport) != icmp,
            base.byte(at: FrameLayout.sourceMAC) & 1 == 0,
            IPv4Address(rawValue: base.long(at: FrameLayout.source)).isHost,
            IPv4Address(rawValue: ends.destination.low32).isHost
        else { return nil }
        return UnsafeRawBufferPointer(start: base + FrameLayout.ethernetHeader, count: totalLength)
    }
}
