/// A 48-bit Ethernet address, as a value.
public struct MACAddress: Hashable, Sendable {
    /// The 48 bits in transmission order: the first octet on the wire is the most significant of the low 48 bits.
    public var rawValue: UInt64

    /// The address whose 48 bits are the low 48 of `rawValue`.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue & 0xFFFF_FFFF_FFFF
    }

    /// `ff:ff:ff:ff:ff:ff`.
    public static let broadcast = MACAddress(rawValue: 0xFFFF_FFFF_FFFF)
    /// `00:00:00:00:00:00`: no address known.
    public static let zero = MACAddress(rawValue: 0)

    /// Whether it names one station: neither a group address (IEEE 802 I/G bit) nor all zero.
    public var isUnicast: Bool { rawValue >> 40 & 1 == 0 && rawValue != 0 }
}

extension MACAddress: LosslessStringConvertible {
    /// Six pairs of hexadecimal digits between colons, or nil.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 6 else { return nil }
        var value: UInt64 = 0
        for part in parts {
            guard part.utf8.count == 2, part.allSatisfy(\.isHexDigit), let octet = UInt8(part, radix: 16) else {
                return nil
            }
            value = value << 8 | UInt64(octet)
        }
        rawValue = value
    }

    /// Six pairs of lower-case hexadecimal digits between colons.
    public var description: String {
        (0..<6).map { index in
            let octet = UInt8(truncatingIfNeeded: rawValue >> UInt64(40 - 8 * index))
            return (octet < 16 ? "0" : "") + String(octet, radix: 16)
        }.joined(separator: ":")
    }
}
