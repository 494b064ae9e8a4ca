import Forwarding
import NetworkAddress
import Testing

/// What a forwarder remembers, taken over by another.
@Suite("Saved flows")
struct SavedFlowsTests {
    typealias Flag = TestFrame.Flag

    static let names = (0..<8).map { "eth\($0)" }
    static let start = BootMoment(boot: "a", milliseconds: 1_000_000)

    static func later(_ seconds: UInt64) -> BootMoment {
        BootMoment(boot: "a", milliseconds: start.milliseconds + 1000 * seconds)
    }

    /// Three servers by direct routing on port 80, with persistence; two by translation on 443, whose servers listen on 8443.
    static func services() -> [VirtualService] {
        var translated = VirtualService.web([.nat(4, port: 8443), .nat(5, port: 8443)], port: 443)
        translated.scheduler = .rr
        return [PersistenceTests.service([.at(1), .at(2), .at(3)]), translated]
    }

    /// Each client on one of the servers, some further on than others; at 10 s.
    static func used() -> Forwarder {
        var forwarder = FlowTests.forwarder(services())
        for host in UInt8(1)...3 { _ = PersistenceTests.connect(&forwarder, host, port: 1000, at: 1) }
        for client in UInt16(40_000)...40_003 {
            _ = forwarder.send(Flag.syn, from: client, to: 443, at: 2)
            if client > 40_000 { _ = forwarder.send(Flag.ack, from: client, to: 443, at: 9) }
        }
        forwarder.expire(now: .seconds(10), budget: 100)
        return forwarder
    }

    /// A forwarder that was just started: with another seed, and a clock of its own.
    static func started(_ services: [VirtualService] = services(), capacity: Int = 1000) -> Forwarder {
        var forwarder = Forwarder(flowCapacity: capacity, seed: 7)
        forwarder.apply(services, now: .seconds(0))
        return forwarder
    }

    static func resume(
        _ saved: [UInt8], in forwarder: inout Forwarder, after seconds: UInt64 = 0, names: [String] = names
    ) throws(SavedFlowsError) -> Resumption {
        try forwarder.resume(saved, interfaces: names, at: later(seconds), now: .seconds(0))
    }

    static func listing(_ forwarder: borrowing Forwarder) -> Set<Connection> {
        // When they were used last is not kept.
        Set(
            ListingTests.all(forwarder, budget: 10_000).map { connection in
                var connection = connection
                connection.idle = 0
                return connection
            })
    }

    @Test(
        "flows go on with their servers, states and times, answers are translated, and clients stay with their servers")
    func everything() throws {
        let before = Self.used()
        var after = Self.started()
        let outcome = try Self.resume(before.save(interfaces: Self.names, at: Self.start), in: &after)
        #expect(Self.listing(after) == Self.listing(before) && Self.listing(after).count == 10)
        #expect(outcome.flows == 7 && outcome.templates == 3 && outcome.expired == 0 && outcome.orphaned == 0)
        let counts = { (service: ServiceStatistics) in
            service.servers.map { [$0.activeConnections, $0.inactiveConnections, $0.templates] }
        }
        #expect(after.statistics().map(counts) == before.statistics().map(counts))
        #expect(after.statistics().allSatisfy { $0.connections == 0 }, "they are no new connections")

        // In the middle of a connection, without a SYN, to the server that it had.
        for client in UInt16(40_000)...40_003 {
            #expect(after.send(Flag.ack, from: client, to: 443) == .transmit(egress: client % 2 == 0 ? 4 : 5))
        }
        var reply = TranslationTests.answer(4, to: 40_002, Flag.ack)
        reply.clientPort = 8443
        let (verdict, bytes) = after.forward(bytes: reply.checkedBytes, ingress: 4)
        #expect(verdict == .transmit(egress: 0), "the interface that the client's packets came in by")
        #expect(ReceivedFrame(bytes).ends == "192.0.2.10:443 > 198.51.100.7:40002")
        #expect(ReceivedFrame(bytes).areChecksumsRight)
        // A client's next connection, whoever's turn it is.
        for host in [UInt8(3), 1, 2] {
            #expect(PersistenceTests.connect(&after, host, port: 2000) == .transmit(egress: Int(host)))
        }
        #expect(PersistenceTests.connect(&after, 9, port: 1) == .transmit(egress: 1), "a new one, in turn")
        // And all of it ends as it would have.
        after.expire(now: .seconds(100_000), budget: .max)
        #expect(after.isIdle && after.statistics().flatMap(counts).allSatisfy { $0 == [0, 0, 0] })
    }

    @Test("flows of IPv6 and of UDP too, and those in tunnels")
    func otherKinds() throws {
        for method in [ForwardMethod.direct, .nat, .tunnel(TunnelTests.tunnel(.ipip, isIPv6: false))] {
            var before = PathTests.forwarder(method)
            for packet in PathTests.questions() { _ = PathTests.forward(&before, packet.frame) }
            let saved = before.save(interfaces: Self.names, at: Self.start)
            var after = PathTests.forwarder(method)
            let outcome = try Self.resume(saved, in: &after)
            #expect(outcome.flows == 4 && after.flowCount == 4, "\(method)")
            #expect(Self.listing(after) == Self.listing(before))
        }
    }

    @Test("time goes on between the two: what expired meanwhile is left out, the rest expires when it would have")
    func elapsed() throws {
        let saved = Self.used().save(interfaces: Self.names, at: Self.start)
        // 52 s are left of those in SYN_RECV at least; 60 − 9 = 51 for the clients of port 80.
        var after = Self.started()
        let outcome = try Self.resume(saved, in: &after, after: 51)
        #expect(outcome.expired == 3 && outcome.flows == 4 && outcome.age == 51_000)
        #expect(outcome.templates == 3, "they hold for five minutes")
        after.expire(now: .seconds(1.001), budget: .max)
        #expect(after.flowCount == 3, "the one in SYN_RECV had one second left")
        var late = Self.started()
        let last = try Self.resume(saved, in: &late, after: 100_000)
        #expect(last.flows == 0 && last.expired == 10 && late.flowCount == 0)
    }

    @Test("a shorter timeout than then holds for what goes on, too")
    func shorterTimeout() throws {
        let saved = Self.used().save(interfaces: Self.names, at: Self.start)
        var after = Forwarder(flowCapacity: 100, seed: 1, timeouts: FlowTimeouts(established: 5000))
        after.apply(Self.services(), now: .seconds(0))
        _ = try Self.resume(saved, in: &after)
        after.expire(now: .seconds(5.001), budget: .max)
        #expect(Self.listing(after).allSatisfy { $0.state != "ESTABLISHED" })
    }

    @Test("flows of servers and services that are gone are left out, whoever else is in the list now; the others go on")
    func otherServices() throws {
        let saved = Self.used().save(interfaces: Self.names, at: Self.start)
        var after = Self.started([
            .web([.at(9), .at(3), .at(2)], .wlc), .web([.nat(5, port: 8443), .nat(4, port: 9999)], port: 443),
        ])
        let outcome = try Self.resume(saved, in: &after)
        #expect(outcome.orphaned == 1 + 1 + 2, "a flow and a template of 1, two flows of 4, which has another port now")
        #expect(outcome.flows == 4 && outcome.templates == 2)
        #expect(after.send(Flag.ack, from: 40_000, to: 443) == .drop(.noFlow))
        #expect(after.send(Flag.ack, from: 40_001, to: 443) == .transmit(egress: 5))
        var empty = Self.started([])
        #expect(try Self.resume(saved, in: &empty).orphaned == 10)
        #expect(empty.isIdle == true)
    }

    @Test(
        "answers leave by the interface of that name, whatever its place in the list; where it is gone, the flow is too"
    )
    func otherInterfaces() throws {
        let saved = Self.used().save(interfaces: Self.names, at: Self.start)
        var after = Self.started()
        _ = try Self.resume(saved, in: &after, names: ["eth9", "eth0"])
        var reply = TranslationTests.answer(4, to: 40_002, Flag.ack)
        reply.clientPort = 8443
        #expect(after.forward(bytes: reply.checkedBytes, ingress: 4).verdict == .transmit(egress: 1))
        var gone = Self.started()
        let outcome = try Self.resume(saved, in: &gone, names: ["eth9"])
        #expect(outcome.homeless == 4 && outcome.flows == 3, "direct routing needs no way back")
    }

    @Test("where there is no room for all, as many go on as there is room for")
    func noRoom() throws {
        let saved = Self.used().save(interfaces: Self.names, at: Self.start)
        var after = Self.started(capacity: 4)
        let outcome = try Self.resume(saved, in: &after)
        #expect(outcome.flows == 4 && after.flowCount == 4 && outcome.templates == 1 && outcome.homeless == 3 + 2)
    }

    @Test("what was saved in another run of the machine, or is of the future, is refused")
    func otherBoot() {
        let saved = Self.used().save(interfaces: Self.names, at: Self.start)
        var forwarder = Self.started()
        for moment in [BootMoment(boot: "b", milliseconds: 2_000_000), BootMoment(boot: "a", milliseconds: 999_999)] {
            #expect(Self.refusal(of: saved, by: &forwarder, at: moment) == .otherBoot)
        }
        #expect(forwarder.isIdle == true)
    }

    /// Why it does not go on with these; nil: it does.
    static func refusal(
        of saved: [UInt8], by forwarder: inout Forwarder, at moment: BootMoment = start
    ) -> SavedFlowsError? {
        do throws(SavedFlowsError) {
            _ = try forwarder.resume(saved, interfaces: names, at: moment, now: .seconds(0))
            return nil
        } catch {
            return error
        }
    }

    @Test("another version, a byte that is another, and a file cut short or grown are refused, and change nothing")
    func damaged() {
        let saved = Self.used().save(interfaces: Self.names, at: Self.start)
        var forwarder = Self.started()
        for place in saved.indices {
            var bytes = saved
            bytes[place] ^= 0x10
            let version = (8..<12).contains(place) ? 1 ^ UInt32(0x10) << (8 * (place - 8)) : nil
            let refusal = Self.refusal(of: bytes, by: &forwarder)
            #expect(refusal == version.map(SavedFlowsError.otherVersion) ?? .damaged)
        }
        for length in saved.indices {
            #expect(Self.refusal(of: Array(saved[..<length]), by: &forwarder) == .damaged)
        }
        #expect(Self.refusal(of: saved + [0], by: &forwarder) == .damaged)
        #expect(forwarder.isIdle == true)
    }
}
