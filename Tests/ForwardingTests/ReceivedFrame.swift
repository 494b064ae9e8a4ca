import NetworkAddress

@testable import Forwarding

/// A frame as a receiver takes it, read and summed up the slow way.
struct ReceivedFrame {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    private func word(_ offset: Int) -> Int { Int(bytes[offset]) << 8 | Int(bytes[offset + 1]) }
    private func address(_ offset: Int) -> String { bytes[offset..<offset + 4].map(String.init).joined(separator: ".") }
    private var end: Int { 14 + word(16) }

    /// Source and destination of IPv4 with ports.
    var ends: String { "\(address(26)):\(word(34)) > \(address(30)):\(word(36))" }

    /// The sender's MAC and the receiver's.
    var macs: String {
        func mac(_ offset: Int) -> String {
            bytes[offset..<offset + 6].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
        }
        return "\(mac(6)) > \(mac(0))"
    }

    var timeToLive: UInt8 { bytes[22] }

    /// RFC 1071 §4.1 over a range, with what is to be added.
    private func sum(_ range: Range<Int>, _ more: Int = 0) -> Int {
        var total = more
        for offset in range { total += Int(bytes[offset]) << (offset % 2 == range.lowerBound % 2 ? 8 : 0) }
        while total > 0xFFFF { total = total & 0xFFFF + total >> 16 }
        return total
    }

    private var pseudoHeader: Int {
        (word(26) + word(28)) + (word(30) + word(32)) + Int(bytes[23]) + (end - 34)
    }

    var isHeaderChecksumRight: Bool { sum(14..<34) == 0xFFFF }

    /// The IPv4 header's checksum and the transport's.
    var areChecksumsRight: Bool { isHeaderChecksumRight && sum(34..<end, pseudoHeader) == 0xFFFF }

    /// Whether the transport checksum field holds the pseudo-header's sum.
    var isPartialSumRight: Bool {
        isHeaderChecksumRight && word(bytes[23] == 6 ? 50 : 40) == sum(0..<0, pseudoHeader)
    }
}
