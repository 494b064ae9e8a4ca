import NetworkAddress

/// The first 8 bytes of an ICMP error of either family, without the checksum (RFC 792, RFC 4443 §2.1).
struct ICMPMessage: Equatable {
    var isIPv6: Bool
    var type: UInt8
    var code: UInt8
    /// Bytes 4 to 7: unused, or an MTU.
    var info: UInt32

    static func ipv4(_ type: UInt8, _ code: UInt8, _ info: UInt32 = 0) -> Self {
        ICMPMessage(isIPv6: false, type: type, code: code, info: info)
    }
    static func ipv6(_ type: UInt8, _ code: UInt8, _ info: UInt32 = 0) -> Self {
        ICMPMessage(isIPv6: true, type: type, code: code, info: info)
    }

    /// The longest ICMP error: RFC 1812 §4.3.2.3 for IPv4; the least MTU that IPv6 has for IPv6 (RFC 4443 §2.4 (c)).
    static let longestIPv4 = 576
    static let longestIPv6 = 1280

    private var ipHeader: Int { isIPv6 ? 40 : 20 }

    /// Writes the error as a whole Ethernet frame, quoting as much of `quote` as may be.
    ///
    /// - Returns: the frame's length, or nil where `buffer` is too short for it.
    func write(
        from source: IPv6Address, at sourceMAC: MACAddress, to destination: IPv6Address, at destinationMAC: MACAddress,
        quoting quote: UnsafeRawBufferPointer, into buffer: UnsafeMutableRawBufferPointer
    ) -> Int? {
        let ethernet = InternetHeader.ethernet
        let quoted = min(quote.count, (isIPv6 ? Self.longestIPv6 : Self.longestIPv4) - ipHeader - 8)
        let length = ethernet + ipHeader + 8 + quoted
        guard let base = buffer.baseAddress, buffer.count >= length, let quote = quote.baseAddress else { return nil }

        // 1. Ethernet and IP.
        base.writeEthernet(
            from: sourceMAC, to: destinationMAC,
            type: isIPv6 ? InternetHeader.etherTypeIPv6 : InternetHeader.etherTypeIPv4)
        let ip = base + ethernet
        if isIPv6 {
            ip.write(UInt32(6 << 28), at: 0)
            ip.write(UInt16(8 + quoted), at: 4)
            ip.write(InternetHeader.icmpv6, at: 6)
            ip.write(UInt8(64), at: 7)
            ip.write(source, at: 8, isIPv6: true)
            ip.write(destination, at: 24, isIPv6: true)
        } else {
            // Precedence 6, internetwork control (RFC 1812 §4.3.2.5); an identification of 0 with DF, for it will not be
            // fragmented (RFC 6864 §4.1).
            ip.write(UInt16(0x45C0), at: 0)
            ip.write(UInt16(20 + 8 + quoted), at: 2)
            ip.write(UInt32(0x4000), at: 4)
            ip.write(UInt8(64), at: 8)
            ip.write(InternetHeader.icmp, at: 9)
            ip.write(source, at: 12, isIPv6: false)
            ip.write(destination, at: 16, isIPv6: false)
            ip.writeHeaderChecksum(length: 20)
        }

        // 2. ICMP; only ICMPv6 has a pseudo-header under its checksum.
        let icmp = ip + ipHeader
        icmp.write(type, at: 0)
        icmp.write(code, at: 1)
        icmp.write(UInt16(0), at: 2)
        icmp.write(info, at: 4)
        (icmp + 8).copyMemory(from: quote, byteCount: quoted)
        let pseudoHeader =
            isIPv6
            ? InternetChecksum.pseudoHeader(source, destination, InternetHeader.icmpv6, length: 8 + quoted) : 0
        let message = InternetChecksum.sum(UnsafeRawBufferPointer(start: icmp, count: 8 + quoted))
        icmp.write(~InternetChecksum.sum(pseudoHeader, message), at: 2)
        return length
    }
}
