internal import NetworkAddress
internal import Testing

@testable internal import Director

@Suite("until when servers that joined stay")
struct LeaseBookTests {
    private static let start = ContinuousClock.now

    private static func key(_ last: UInt8, _ service: String = "web") -> LeaseBook.Key {
        .init(service: service, address: .v4(IPv4Address(10, 0, 0, last)))
    }

    /// Expects these to run out between two times, looked at every 100 ms as the director does.
    private func expect(
        _ book: inout LeaseBook, _ from: Duration, _ to: Duration, _ expected: [LeaseBook.Key],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        var found: [LeaseBook.Key] = []
        var time = from
        while time < to {
            time += .milliseconds(100)
            found += book.expire(at: Self.start + time)
        }
        #expect(found == expected, sourceLocation: sourceLocation)
    }

    @Test("a lease runs out when its time is over, not before, and once")
    func end() {
        var book = LeaseBook(at: Self.start)
        book.renew(Self.key(11), for: .seconds(30), JoinWish(agentPort: 9380), at: Self.start)
        book.renew(Self.key(12), for: .seconds(60), JoinWish(agentPort: 9380), at: Self.start)
        expect(&book, .zero, .milliseconds(29_900), [])
        expect(&book, .milliseconds(29_900), .seconds(30), [Self.key(11)])
        expect(&book, .seconds(30), .seconds(59), [])
        #expect(Set(book.leases.keys) == [Self.key(12)])
    }

    @Test("one that is renewed goes on, with the weight that was asked for last")
    func renewal() {
        var book = LeaseBook(at: Self.start)
        for time in [0, 10, 20, 30] {
            book.renew(
                Self.key(11), for: .seconds(30), JoinWish(weight: time, agentPort: 9380),
                at: Self.start + .seconds(time))
        }
        expect(&book, .zero, .milliseconds(59_900), [])
        #expect(book.leases[Self.key(11)]?.wish.weight == 30)
        expect(&book, .milliseconds(59_900), .seconds(60), [Self.key(11)])
    }

    @Test("the time in which the director did not run counts against nobody: it could not be asked")
    func pause() {
        var book = LeaseBook(at: Self.start)
        book.renew(Self.key(11), for: .seconds(30), JoinWish(agentPort: 9380), at: Self.start)
        expect(&book, .zero, .seconds(10), [])
        let meanwhile = book.expire(at: Self.start + .seconds(100))
        #expect(meanwhile == [])
        expect(&book, .seconds(100), .milliseconds(119_900), [])
        expect(&book, .milliseconds(119_900), .seconds(120), [Self.key(11)])
    }

    @Test("those that run out together go in a fixed order, and who is gone otherwise has no lease")
    func order() {
        var book = LeaseBook(at: Self.start)
        let keys = [Self.key(12, "b"), Self.key(11, "b"), Self.key(13, "a"), Self.key(14, "c")]
        for key in keys { book.renew(key, for: .seconds(1), JoinWish(agentPort: 9380), at: Self.start) }
        book.end(Self.key(14, "c"))
        let over = book.expire(at: Self.start + .seconds(1))
        #expect(over == [Self.key(13, "a"), Self.key(11, "b"), Self.key(12, "b")])
        book.renew(Self.key(11), for: .seconds(1), JoinWish(agentPort: 9380), at: Self.start)
        book.keep(only: [Self.key(12)])
        #expect(book.leases.isEmpty)
    }
}
