internal import NetworkAddress

/// Addresses of one family without a gap between them; what a prefix or an element of an interval set stands for.
struct AddressBlock: Hashable {
    /// 32 or 128.
    var bitWidth: Int
    /// The first address, as a number.
    var first: UInt128
    /// The last one, included.
    var last: UInt128

    /// All addresses of a prefix; host bits are ignored.
    init(_ prefix: Prefix) {
        bitWidth = prefix.address.bitWidth
        let host = Self.ones(bitWidth - prefix.length)
        first = Self.number(prefix.address) & ~host
        last = first | host
    }

    /// From one address to another of the same family, both included; nil where they are not in that order.
    init?(from first: IPAddress, to last: IPAddress) {
        guard first.bitWidth == last.bitWidth, first <= last else { return nil }
        bitWidth = first.bitWidth
        self.first = Self.number(first)
        self.last = Self.number(last)
    }

    /// The fewest prefixes that hold exactly the same addresses, in order: nothing overlaps and nothing could be
    /// joined. The kernel refuses intervals that overlap.
    static func prefixes(_ blocks: [AddressBlock]) -> [Prefix] {
        var merged: [AddressBlock] = []
        for block in blocks.sorted(by: { ($0.bitWidth, $0.first) < ($1.bitWidth, $1.first) }) {
            if let previous = merged.last, previous.bitWidth == block.bitWidth,
                previous.last == .max || block.first <= previous.last + 1
            {
                merged[merged.count - 1].last = max(previous.last, block.last)
            } else {
                merged.append(block)
            }
        }
        return merged.flatMap(\.prefixes)
    }

    private var prefixes: [Prefix] {
        var result: [Prefix] = []
        var next = first
        while true {
            // The largest aligned block that begins here and does not go past the end.
            var bits = min(next == 0 ? bitWidth : next.trailingZeroBitCount, bitWidth)
            while next | Self.ones(bits) > last { bits -= 1 }
            guard let prefix = Prefix(address(next), length: bitWidth - bits) else { return result }
            result.append(prefix)
            let end = next | Self.ones(bits)
            guard end < last else { return result }
            next = end + 1
        }
    }

    private func address(_ number: UInt128) -> IPAddress {
        bitWidth == 32
            ? .v4(IPv4Address(rawValue: UInt32(truncatingIfNeeded: number)))
            : .v6(
                IPv6Address(
                    high: UInt64(truncatingIfNeeded: number >> 64), low: UInt64(truncatingIfNeeded: number)))
    }

    private static func number(_ address: IPAddress) -> UInt128 {
        switch address {
        case .v4(let address): UInt128(address.rawValue)
        case .v6(let address): UInt128(address.high) << 64 | UInt128(address.low)
        }
    }

    /// A number with its `count` lowest bits set.
    private static func ones(_ count: Int) -> UInt128 {
        count >= 128 ? .max : (1 << UInt128(count)) - 1
    }
}
