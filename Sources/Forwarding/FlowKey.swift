/// What tells one TCP flow from another, in host byte order.
struct FlowKey: Equatable {
    var client: UInt32
    var vip: UInt32
    var clientPort: UInt16
    var port: UInt16
}

/// SipHash-1-3 (Aumasson and Bernstein) over the 12 bytes of a ``FlowKey``. It is keyed, because clients choose addresses
/// and ports: without the key nobody can choose them so that they pile up in one bucket.
struct FlowHash {
    private let key0: UInt64
    private let key1: UInt64

    /// A hash of its own for each seed.
    init(seed: UInt64) {
        key0 = Self.scrambled(seed)
        key1 = Self.scrambled(key0)
    }

    func callAsFunction(_ key: FlowKey) -> UInt64 {
        var v0 = key0 ^ 0x736f_6d65_7073_6575
        var v1 = key1 ^ 0x646f_7261_6e64_6f6d
        var v2 = key0 ^ 0x6c79_6765_6e65_7261
        var v3 = key1 ^ 0x7465_6462_7974_6573

        func round() {
            v0 &+= v1
            v2 &+= v3
            v1 = v1 &<< 13 | v1 &>> 51
            v3 = v3 &<< 16 | v3 &>> 48
            v1 ^= v0
            v3 ^= v2
            v0 = v0 &<< 32 | v0 &>> 32
            v2 &+= v1
            v0 &+= v3
            v1 = v1 &<< 17 | v1 &>> 47
            v3 = v3 &<< 21 | v3 &>> 43
            v1 ^= v2
            v3 ^= v0
            v2 = v2 &<< 32 | v2 &>> 32
        }
        func absorb(_ word: UInt64) {
            v3 ^= word
            round()
            v0 ^= word
        }

        absorb(UInt64(key.client) << 32 | UInt64(key.vip))
        // The last word carries the length, 12, in its top byte.
        absorb(12 << 56 | UInt64(key.clientPort) << 16 | UInt64(key.port))
        v2 ^= 0xFF
        round()
        round()
        round()
        return v0 ^ v1 ^ v2 ^ v3
    }

    /// SplitMix64 (Steele, Lea and Flood): one step, so that even the seeds 0, 1, 2 give unrelated keys.
    private static func scrambled(_ value: UInt64) -> UInt64 {
        var mixed = value &+ 0x9e37_79b9_7f4a_7c15
        mixed = (mixed ^ mixed &>> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed &>> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed &>> 31
    }
}
