import NetworkAddress

@testable import Forwarding

/// A frame as a receiver takes it, read and summed up the slow way.
struct ReceivedFrame {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    private func word(_ offset: Int) -> Int { Int(bytes[offset]) << 8 | Int(bytes[offset + 1]) }
    private var isIPv6: Bool { word(12) == 0x86DD }
    private var end: Int { isIPv6 ? 54 + word(18) : 14 + word(16) }
    /// Where the two addresses lie, and what is behind the header, which has no options.
    private var source: Range<Int> { isIPv6 ? 22..<38 : 26..<30 }
    private var destination: Range<Int> { isIPv6 ? 38..<54 : 30..<34 }
    private var body: Int { isIPv6 ? 54 : 34 }
    private var transport: UInt8 { bytes[isIPv6 ? 20 : 23] }
    private var isEcho: Bool { transport == (isIPv6 ? 58 : 1) }

    private func address(_ place: Range<Int>) -> String {
        guard isIPv6 else { return bytes[place].map(String.init).joined(separator: ".") }
        let half = { (octets: ArraySlice<UInt8>) in octets.reduce(0) { $0 << 8 | UInt64($1) } }
        return IPv6Address(high: half(bytes[place].prefix(8)), low: half(bytes[place].suffix(8))).description
    }

    private func end(_ place: Range<Int>, _ port: Int) -> String {
        isIPv6 ? "[\(address(place))]:\(port)" : "\(address(place)):\(port)"
    }

    /// Source and destination with ports.
    var ends: String { "\(end(source, word(body))) > \(end(destination, word(body + 2)))" }

    /// An echo's is its identifier.
    var sourcePort: UInt16 { UInt16(word(isEcho ? body + 4 : body)) }

    /// The sender's MAC and the receiver's.
    var macs: String {
        func mac(_ offset: Int) -> String {
            bytes[offset..<offset + 6].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
        }
        return "\(mac(6)) > \(mac(0))"
    }

    var timeToLive: UInt8 { bytes[isIPv6 ? 21 : 22] }

    /// RFC 1071 §4.1 over a range, with what is to be added.
    private func sum(_ range: Range<Int>, _ more: Int = 0) -> Int {
        var total = more
        for offset in range { total += Int(bytes[offset]) << (offset % 2 == range.lowerBound % 2 ? 8 : 0) }
        while total > 0xFFFF { total = total & 0xFFFF + total >> 16 }
        return total
    }

    private var pseudoHeader: Int {
        sum(source) + sum(destination) + Int(transport) + (end - body)
    }

    var isHeaderChecksumRight: Bool { isIPv6 || sum(14..<34) == 0xFFFF }

    /// The IPv4 header's checksum and the transport's.
    var areChecksumsRight: Bool {
        isHeaderChecksumRight && sum(body..<end, isEcho && !isIPv6 ? 0 : pseudoHeader) == 0xFFFF
    }

    /// Whether the transport checksum field holds the pseudo-header's sum.
    var isPartialSumRight: Bool {
        isHeaderChecksumRight && word(body + (transport == 6 ? 16 : 6)) == sum(0..<0, pseudoHeader)
    }
}
