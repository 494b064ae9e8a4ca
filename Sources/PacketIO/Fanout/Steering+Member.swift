public import NetworkAddress

extension Steering {
    /// Which of so many sockets gets a client's packets, counted from 0 in the order in which they joined the group: what ``program``
    /// ends with, modulo their number.
    public func member(for client: IPAddress, of count: Int) -> Int {
        let words: UInt64 =
            switch client {
            case .v4(let address): UInt64(address.rawValue) << 32 & Self.leading(prefix4)
            case .v6(let address): address.high & Self.leading(prefix6) ^ address.low & Self.leading(prefix6 - 64)
            }
        let mixed = UInt32(truncatingIfNeeded: words >> 32 ^ words)
        return Int((mixed &* 0x9E37_79B1) >> 16) % count
    }

    /// So many leading bits of 64, none for a negative number.
    private static func leading(_ bits: Int) -> UInt64 {
        bits <= 0 ? 0 : bits >= 64 ? .max : ~(.max >> UInt64(bits))
    }
}
