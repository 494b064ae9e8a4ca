import Forwarding
import Testing

@Suite("Token bucket")
struct TokenBucketTests {
    /// At which of these milliseconds there was a token.
    static func taken(_ bucket: inout TokenBucket, _ milliseconds: some Sequence<UInt64>) -> [UInt64] {
        milliseconds.filter { bucket.take(now: Ticks(milliseconds: $0)) }
    }

    @Test("a burst is let through, then as many a second as the rate says")
    func rate() {
        var bucket = TokenBucket(rate: 10, burst: 5)
        let burst = Self.taken(&bucket, repeatElement(100_000, count: 20))
        #expect(burst.count == 5)
        let steady = Self.taken(&bucket, (1...1000).map { 100_000 + $0 * 10 })
        #expect(steady == (1...100).map { 100_000 + $0 * 100 })
        let later = Self.taken(&bucket, repeatElement(999_000_000, count: 20))
        #expect(later.count == 5)
    }

    @Test("it never holds more than its burst, however long nothing was taken")
    func overflow() {
        var bucket = TokenBucket(rate: 1_000_000, burst: 2)
        let taken = Self.taken(&bucket, [0, 0, 0] + Array(repeating: .max, count: 9))
        #expect(taken == [0, 0, .max, .max])
    }

    @Test("a clock that runs backwards gives no tokens twice")
    func backwards() {
        var bucket = TokenBucket(rate: 1, burst: 1)
        #expect(
            Self.taken(&bucket, [10_000, 5_000, 10_000, 10_999, 11_000, 10_000, 11_500, 12_000]) == [
                10_000, 11_000, 12_000,
            ])
    }
}
