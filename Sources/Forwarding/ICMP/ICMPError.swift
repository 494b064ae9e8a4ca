public import NetworkAddress

/// An ICMP error that the director answers a packet with, in the VIP's name (RFC 792 and RFC 1812 §4.3.2 for IPv4, RFC 4443
/// for IPv6).
public enum ICMPError: Hashable, Sendable {
    /// Destination unreachable, port unreachable: type 3, code 3; ICMPv6 type 1, code 4. No server takes new connections.
    case portUnreachable
    /// Time exceeded in transit: type 11, code 0; ICMPv6 type 3, code 0. The TTL or hop limit was 1 or less.
    case timeExceeded
    /// Too long for the way to its server, and not to be fragmented: type 3, code 4 (RFC 1191); ICMPv6 type 2, packet too big.
    /// `mtu` is the longest packet that fits, in bytes; what no IP link may have is raised to 68, or 1280 in IPv6.
    case tooBig(mtu: Int)

    /// The size of a buffer that every answer fits into, in bytes.
    public static let longestFrame = InternetHeader.ethernet + ICMPMessage.longestIPv6

    /// Writes the whole answer: an Ethernet frame back to where `frame` came from, IP from the address that `frame` went to
    /// (the VIP) to its sender, ICMP quoting its headers and what follows. All checksums are complete.
    ///
    /// - Parameters:
    ///   - frame: the frame to answer, as it was received: a VIP's, for which ``Forwarder/forward(_:now:)`` asked for an
    ///     answer. It is sent through the interface the frame came in by.
    ///   - answerer: in whose name; nil: in that of the address that `frame` went to.
    ///   - buffer: where the answer goes, ``longestFrame`` bytes to be safe. It must not overlap `frame`.
    /// - Returns: the answer's length, or nil where there must be none: the buffer is too short, `frame` is not sound IPv4 or
    ///   IPv6, is ICMP itself (other than an echo request; of ICMPv6 only errors and redirects), is a fragment other than the first, was sent to a group
    ///   or by none (RFC 1812 §4.3.2.7, RFC 4443 §2.4 (e)).
    public func write(
        about frame: UnsafeRawBufferPointer, from answerer: IPAddress? = nil,
        into buffer: UnsafeMutableRawBufferPointer
    ) -> Int? {
        guard let header = InternetHeader(frame: frame), let base = frame.baseAddress,
            base.byte(at: 0) & 1 == 0, base.byte(at: 6) & 1 == 0
        else { return nil }
        let start = InternetHeader.ethernet
        let packet = UnsafeRawBufferPointer(rebasing: frame[start..<start + header.totalLength])
        guard header.mayBeAnswered(packet) else { return nil }
        return message(isIPv6: header.isIPv6).write(
            from: answerer.map(IPv6Address.init(wide:)) ?? header.destination, at: base.mac(at: 0), to: header.source,
            at: base.mac(at: 6), quoting: packet,
            into: buffer)
    }

    /// How it is said in this family.
    func message(isIPv6: Bool) -> ICMPMessage {
        switch self {
        case .portUnreachable: isIPv6 ? .ipv6(1, 4) : .ipv4(3, 3)
        case .timeExceeded: isIPv6 ? .ipv6(3, 0) : .ipv4(11, 0)
        case .tooBig(let mtu):
            isIPv6
                ? .ipv6(2, 0, UInt32(min(max(mtu, 1280), Int(Int32.max))))
                : .ipv4(3, 4, UInt32(min(max(mtu, 68), 0xFFFF)))
        }
    }
}

extension InternetHeader {
    /// Whether an ICMP error may be sent about this packet, as far as it is in `packet`.
    func mayBeAnswered(_ packet: UnsafeRawBufferPointer) -> Bool {
        // RFC 792: the header and at least 64 bits of the data. Of an unlabelled part of a datagram nobody would know.
        guard let base = packet.baseAddress, packet.count >= length + 8, fragmentOffset == 0 else { return false }
        guard isIPv6 else {
            guard let source = source.mappedIPv4, let destination = destination.mappedIPv4 else { return false }
            let mayBeToldOf = transport != Self.icmp || base.byte(at: length) == 8
            return mayBeToldOf && source.isHost && destination.isHost
        }
        guard source.isHost, destination.isHost else { return false }
        guard transport == Self.icmpv6 else { return true }
        let type = base.byte(at: length)
        return type >= 128 && type != 137
    }
}
