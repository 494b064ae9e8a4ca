/// An IPv6 address, as a value.
public struct IPv6Address: Hashable, Sendable {
    /// The first 64 bits, in host order.
    public var high: UInt64
    /// The last 64 bits, in host order.
    public var low: UInt64

    /// The address made of two halves in host order.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// `::`.
    public static let any = IPv6Address(high: 0, low: 0)

    /// `::1` (RFC 4291 §2.5.3).
    public var isLoopback: Bool { high == 0 && low == 1 }

    /// `ff00::/8` (RFC 4291 §2.7).
    public var isMulticast: Bool { high >> 56 == 0xFF }

    /// `fe80::/10` (RFC 4291 §2.5.6).
    public var isLinkLocal: Bool { high >> 54 == 0xFE80 >> 6 }

    /// The IPv4 address inside `::ffff:a.b.c.d` (RFC 4291 §2.5.5.2), or nil.
    public var mappedIPv4: IPv4Address? {
        high == 0 && low >> 32 == 0xFFFF ? IPv4Address(rawValue: UInt32(truncatingIfNeeded: low)) : nil
    }

    /// Whether one host can own this address: not unspecified, loopback, multicast or an IPv4-mapped form.
    public var isHost: Bool {
        self != .any && !isLoopback && !isMulticast && mappedIPv4 == nil
    }
}

extension IPv6Address: LosslessStringConvertible {
    /// The text forms of RFC 4291 §2.2 (no zone), or nil.
    public init?(_ text: some StringProtocol) {
        var groups: [UInt16] = []
        var gap: Int?
        var rest = Substring(text)
        guard !rest.isEmpty else { return nil }
        if rest.hasPrefix("::") {
            gap = 0
            rest = rest.dropFirst(2)
        } else if rest.hasPrefix(":") {
            return nil
        }
        while !rest.isEmpty {
            let end = rest.firstIndex(of: ":") ?? rest.endIndex
            let part = rest[..<end]
            if part.contains(".") {
                guard end == rest.endIndex, let v4 = IPv4Address(part) else { return nil }
                groups.append(UInt16(v4.rawValue >> 16))
                groups.append(UInt16(v4.rawValue & 0xFFFF))
                break
            }
            guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy(Self.isHexDigit),
                let group = UInt16(part, radix: 16)
            else { return nil }
            groups.append(group)
            guard end != rest.endIndex else { break }
            rest = rest[rest.index(after: end)...]
            if rest.hasPrefix(":") {
                guard gap == nil else { return nil }
                gap = groups.count
                rest = rest.dropFirst()
            } else if rest.isEmpty {
                return nil
            }
        }
        if let gap {
            guard groups.count < 8 else { return nil }
            groups.insert(contentsOf: Array(repeating: 0, count: 8 - groups.count), at: gap)
        }
        guard groups.count == 8 else { return nil }
        high = groups[0..<4].reduce(0) { $0 << 16 | UInt64($1) }
        low = groups[4..<8].reduce(0) { $0 << 16 | UInt64($1) }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }

    /// The canonical form of RFC 5952: lower case, the longest run of two or more zero groups as `::`.
    public var description: String {
        if let mappedIPv4 { return "::ffff:\(mappedIPv4)" }
        let groups = (0..<8).map { index -> UInt16 in
            let half = index < 4 ? high : low
            return UInt16(truncatingIfNeeded: half >> UInt64(48 - 16 * (index % 4)))
        }
        var best = 0..<0
        var start = 0
        while start < 8 {
            guard groups[start] == 0 else {
                start += 1
                continue
            }
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > best.count, end - start >= 2 { best = start..<end }
            start = end
        }
        let text = { (range: Range<Int>) in groups[range].map { String($0, radix: 16) }.joined(separator: ":") }
        return best.isEmpty ? text(0..<8) : text(0..<best.lowerBound) + "::" + text(best.upperBound..<8)
    }
}

extension IPv6Address: Comparable {
    /// Numeric order.
    public static func < (left: Self, right: Self) -> Bool { (left.high, left.low) < (right.high, right.low) }
}
