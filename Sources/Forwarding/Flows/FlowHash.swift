/// SipHash-1-3 (Aumasson and Bernstein) over whole words. It is keyed, because clients choose addresses and ports: without the
/// key nobody can choose them so that they pile up in one bucket.
struct FlowHash {
    private let key0: UInt64
    private let key1: UInt64

    /// A hash of its own for each seed.
    init(seed: UInt64) {
        key0 = Self.scrambled(seed)
        key1 = Self.scrambled(key0)
    }

    /// The hash of a message of two words, the last of which carries the length.
    @inline(__always)
    func callAsFunction(_ first: UInt64, _ last: UInt64) -> UInt64 {
        var rounds = Rounds(key0, key1)
        rounds.absorb(first)
        rounds.absorb(last)
        return rounds.finish()
    }

    /// The hash of a message of five words, the last of which carries the length.
    @inline(__always)
    func callAsFunction(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64, _ last: UInt64) -> UInt64 {
        var rounds = Rounds(key0, key1)
        rounds.absorb(a)
        rounds.absorb(b)
        rounds.absorb(c)
        rounds.absorb(d)
        rounds.absorb(last)
        return rounds.finish()
    }

    private struct Rounds {
        var v0: UInt64
        var v1: UInt64
        var v2: UInt64
        var v3: UInt64

        @inline(__always)
        init(_ key0: UInt64, _ key1: UInt64) {
            v0 = key0 ^ 0x736f_6d65_7073_6575
            v1 = key1 ^ 0x646f_7261_6e64_6f6d
            v2 = key0 ^ 0x6c79_6765_6e65_7261
            v3 = key1 ^ 0x7465_6462_7974_6573
        }

        @inline(__always)
        mutating func round() {
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

        @inline(__always)
        mutating func absorb(_ word: UInt64) {
            v3 ^= word
            round()
            v0 ^= word
        }

        @inline(__always)
        mutating func finish() -> UInt64 {
            v2 ^= 0xFF
            round()
            round()
            round()
            return v0 ^ v1 ^ v2 ^ v3
        }
    }

    /// SplitMix64 (Steele, Lea and Flood): one step, so that even the seeds 0, 1, 2 give unrelated keys.
    private static func scrambled(_ value: UInt64) -> UInt64 {
        var mixed = value &+ 0x9e37_79b9_7f4a_7c15
        mixed = (mixed ^ mixed &>> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed &>> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed &>> 31
    }
}
