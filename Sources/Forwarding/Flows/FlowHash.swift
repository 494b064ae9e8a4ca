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
        var rounds = SipHash(key0, key1)
        rounds.absorb(first)
        rounds.absorb(last)
        return rounds.finish()
    }

    /// The hash of a message of five words, the last of which carries the length.
    @inline(__always)
    func callAsFunction(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64, _ last: UInt64) -> UInt64 {
        var rounds = SipHash(key0, key1)
        rounds.absorb(a)
        rounds.absorb(b)
        rounds.absorb(c)
        rounds.absorb(d)
        rounds.absorb(last)
        return rounds.finish()
    }

    /// SplitMix64 (Steele, Lea and Flood): one step, so that even the seeds 0, 1, 2 give unrelated keys.
    private static func scrambled(_ value: UInt64) -> UInt64 {
        var mixed = value &+ 0x9e37_79b9_7f4a_7c15
        mixed = (mixed ^ mixed &>> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed &>> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed &>> 31
    }
}
