import Forwarding
import NetworkAddress
import Testing

@Suite("Listing")
struct ListingTests {
    /// Everything, in slices of `budget`.
    static func all(_ forwarder: borrowing Forwarder, budget: Int) -> [Connection] {
        var found: [Connection] = []
        var place: ListingPlace? = .start
        while let from = place {
            let slice = forwarder.connections(from: from, budget: budget)
            found += slice.found
            place = slice.next
        }
        return found
    }

    static func open(_ forwarder: inout Forwarder, _ port: UInt16, at seconds: Double) {
        var frame = TestFrame()
        frame.clientPort = port
        _ = forwarder.forward(bytes: frame.bytes, at: .seconds(seconds))
    }

    @Test("both ends, the server, the state, and when it is forgotten")
    func content() throws {
        var forwarder = FlowTests.forwarder([.web([.nat(1, port: 8080)])])
        Self.open(&forwarder, 40001, at: 10)
        forwarder.expire(now: .seconds(14), budget: 100)
        #expect(
            Self.all(forwarder, budget: 10_000) == [
                Connection(
                    transport: 6, state: "SYN_RECV", expires: 56_000, idle: 4_000,
                    source: .init(address: .v4(IPv4Address(198, 51, 100, 7)), port: 40001),
                    virtual: .init(address: .v4(IPv4Address(192, 0, 2, 10)), port: 80),
                    destination: .init(address: .v4(IPv4Address(10, 0, 0, 1)), port: 8080))
            ])
    }

    @Test("templates come after, with the client's network and no port")
    func templates() throws {
        var service = VirtualService.web([.at(1)])
        service.persistence = Persistence(timeout: 300_000, prefixLength4: 24)
        var forwarder = FlowTests.forwarder([service])
        Self.open(&forwarder, 40001, at: 10)
        let found = Self.all(forwarder, budget: 7)
        #expect(found.map(\.isTemplate) == [false, true])
        let template = try #require(found.last)
        #expect(template.state == "NONE" && template.expires == 300_000)
        #expect(template.source == .init(address: .v4(IPv4Address(198, 51, 100, 0)), port: 0))
        #expect(template.destination == .init(address: .v4(IPv4Address(10, 0, 0, 1)), port: 80))
    }

    @Test("each once, whatever the slices; the expired and the forgotten not at all", arguments: [1, 3, 64, 10_000])
    func slices(budget: Int) {
        var forwarder = FlowTests.forwarder([.web([.at(1), .at(2)])], capacity: 50)
        for port in UInt16(1)...20 { Self.open(&forwarder, port, at: 1) }
        for port in UInt16(21)...30 { Self.open(&forwarder, port, at: 40) }
        // Half of the first are forgotten; the others have only expired.
        forwarder.expire(now: .seconds(61), budget: 10)
        let found = Self.all(forwarder, budget: budget)
        #expect(found.map(\.source.port).sorted() == Array(21...30))
        #expect(forwarder.flowCount == 20)
    }

    @Test("what stays is told once, though packets move it and others come and go between the slices")
    func changing() {
        var forwarder = FlowTests.forwarder([.web([.at(1)])], capacity: 64)
        for port in UInt16(1)...40 { Self.open(&forwarder, port, at: 1) }
        var seen: [UInt16] = []
        var place: ListingPlace? = .start
        var time = 2.0
        while let from = place {
            let slice = forwarder.connections(from: from, budget: 5)
            seen += slice.found.map(\.source.port)
            place = slice.next
            // Each is used again, and so becomes the youngest of its state; one more comes.
            for port in UInt16(1)...40 { Self.open(&forwarder, port, at: time) }
            Self.open(&forwarder, UInt16(100 * time), at: time)
            time += 1
        }
        #expect(seen.filter { $0 <= 40 }.sorted() == Array(1...40))
    }
}
