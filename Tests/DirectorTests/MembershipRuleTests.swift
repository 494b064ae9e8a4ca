internal import ConfigurationFile
internal import Forwarding
internal import HealthReporter
internal import NetworkAddress
internal import Testing

@testable internal import Director

@Suite("who is in service: rise, last word, slow start, quorum, by hand")
struct MembershipRuleTests {
    typealias Base = MembershipTests
    static let start = Base.start
    static let agents = (11...13).map { "http://10.0.0.\($0):9380" }

    static func servers(rise: Int = 1, fall: Int = 1) -> [DirectorConfiguration.Server] {
        zip(UInt8(11)..., agents).map {
            .init(address: .v4(IPv4Address(10, 0, 0, $0)), agent: $1, fall: fall, rise: rise)
        }
    }

    static func service(
        _ servers: [DirectorConfiguration.Server] = servers(),
        change: (inout DirectorConfiguration.Service) -> Void = { _ in }
    ) -> DirectorConfiguration.Service {
        var service = Base.service(servers)
        change(&service)
        return service
    }

    /// A membership in which every agent has said that its server is up.
    static func membership(_ service: DirectorConfiguration.Service) -> Membership {
        var membership = Membership([service], now: start)
        for agent in agents { _ = membership.receive(Base.report(), from: agent, now: start) }
        return membership
    }

    static func weights(_ membership: Membership) -> [Int] { membership.plans[0].servers.map(\.weight) }

    @Test(
        "after silence a server is up again with the rise-th answer in a row, and at the start with the first",
        arguments: 1...4)
    func rise(rise: Int) {
        var membership = Self.membership(Self.service(Self.servers(rise: rise)))
        #expect(Self.weights(membership) == [100, 100, 100])
        _ = membership.missPoll(of: Self.agents[0], reason: "refused", now: Self.start)
        for answer in 1..<rise {
            _ = membership.receive(Base.report(), from: Self.agents[0], now: Self.start)
            #expect(Self.weights(membership) == [0, 100, 100], "after \(answer)")
        }
        if rise > 1 {
            #expect(Base.standing(membership).reason.hasSuffix("answers again: up after \(rise) answers in a row"))
            // One that is missing: from the beginning.
            _ = membership.missPoll(of: Self.agents[0], reason: "refused", now: Self.start)
            for _ in 1..<rise { _ = membership.receive(Base.report(), from: Self.agents[0], now: Self.start) }
            #expect(Self.weights(membership) == [0, 100, 100])
        }
        _ = membership.receive(Base.report(), from: Self.agents[0], now: Self.start)
        #expect(Self.weights(membership) == [100, 100, 100])
    }

    @Test("the last word of a silent agent holds for last_word, no longer; one that said nothing has none")
    func lastWord() {
        var membership = Membership([Self.service { $0.lastWord = .seconds(60) }], now: Self.start)
        _ = membership.receive(Base.report(), from: Self.agents[0], now: Self.start)
        for agent in Self.agents { _ = membership.missPoll(of: agent, reason: "refused", now: Self.start) }
        #expect(Self.weights(membership) == [100, 0, 0])
        #expect(Base.standing(membership).reason == "agent \(Self.agents[0]): refused, its last word still holds")
        #expect(membership.missPoll(of: Self.agents[0], reason: "refused", now: Self.start + .seconds(30)).isEmpty)
        #expect(membership.deadline == Self.start + .seconds(60))
        #expect(membership.advance(to: Self.start + .seconds(59.9)).isEmpty)
        let changes = membership.advance(to: Self.start + .seconds(60))
        #expect(
            changes.map(\.new.state) == [.down] && changes.map(\.new.reason) == ["agent \(Self.agents[0]): refused"])
        #expect(membership.deadline == nil)
        _ = membership.receive(Base.report(), from: Self.agents[0], now: Self.start + .seconds(61))
        #expect(Self.weights(membership) == [100, 0, 0])
    }

    @Test("a server that was down comes back slowly: from 1 to what it should have, never less than before")
    func slowStart() {
        var membership = Self.membership(Self.service { $0.slowStart = .seconds(20) })
        #expect(Self.weights(membership) == [100, 100, 100], "not at the director's own start")
        _ = membership.receive(Base.report(state: .down), from: Self.agents[0], now: Self.start)
        let back = Self.start + .seconds(5)
        _ = membership.receive(Base.report(), from: Self.agents[0], now: back)
        var seen: [Int] = []
        while let deadline = membership.deadline, seen.count < 100 {
            seen.append(Self.weights(membership)[0])
            #expect(membership.advance(to: deadline - .milliseconds(1)).isEmpty)
            #expect(membership.advance(to: deadline).count == 1)
        }
        #expect(seen == [1] + stride(from: 5, to: 100, by: 5))
        #expect(Base.standing(membership).weight == 100 && Base.standing(membership).reason == "")
        #expect(Self.weights(membership) == [100, 100, 100])
        // What the agent asks for meanwhile is what it grows to.
        _ = membership.drain(Base.server(12).address, in: "web", true, now: back)
        _ = membership.drain(Base.server(12).address, in: "web", false, now: back)
        _ = membership.receive(Base.report(weight: 40), from: Self.agents[1], now: back + .seconds(10))
        #expect(Self.weights(membership)[1] == 20, "half of it after half the time")
        _ = membership.receive(Base.report(state: .down), from: Self.agents[1], now: back + .seconds(11))
        #expect(Self.weights(membership)[1] == 0 && membership.deadline.map { membership.advance(to: $0) } ?? [] == [])
    }

    @Test("the sorry server gets everything while fewer than quorum − hysteresis are up, until quorum + hysteresis are")
    func quorum() {
        // How many are up, one after the other, and whether the sorry server is asked to answer then.
        let table: [(servers: Int, hysteresis: Int, story: [(up: Int, isSorry: Bool)])] = [
            (1, 0, [(3, false), (1, false), (0, true), (1, false)]),
            (2, 0, [(2, false), (1, true), (2, false)]),
            (2, 1, [(1, false), (0, true), (1, true), (2, true), (3, false), (2, false), (1, false), (0, true)]),
            // With all there are, if those are fewer than quorum + hysteresis.
            (3, 2, [(1, false), (0, true), (2, true), (3, false)]),
            (3, 0, [(2, true), (3, false)]),
        ]
        for row in table {
            var membership = Self.membership(
                Self.service {
                    $0.quorum = .init(servers: row.servers, hysteresis: row.hysteresis)
                    $0.sorryServers = [.init(address: .v4(IPv4Address(10, 0, 0, 99)))]
                })
            for (step, (up, isSorry)) in row.story.enumerated() {
                for (index, agent) in Self.agents.enumerated() {
                    _ = membership.receive(Base.report(state: index < up ? .up : .down), from: agent, now: Self.start)
                }
                let servers = membership.plans[0].servers
                let words = "quorum \(row.servers) ± \(row.hysteresis), step \(step): \(up) up"
                #expect(
                    servers.map(\.weight) == (isSorry ? [0, 0, 0, 1] : (0..<3).map { $0 < up ? 100 : 0 } + [0]),
                    "\(words)")
                #expect(
                    servers.map(\.isOut) == (isSorry ? [true, true, true, false] : (0..<3).map { $0 >= up } + [true]),
                    "\(words)")
            }
        }
    }

    @Test(
        "while servers that are awaited may win the quorum, those that are up wait with them, and the sorry server serves"
    )
    func undecidedQuorum() {
        let places = { (membership: Membership) in
            membership.plans[0].servers.map { $0.isAwaited ? "awaited" : $0.isOut ? "out" : "\($0.weight)" }
        }
        let service = Self.service {
            $0.quorum = .init(servers: 2)
            $0.sorryServers = [.init(address: .v4(IPv4Address(10, 0, 0, 99)))]
        }
        var membership = Membership([service], now: Self.start)
        #expect(places(membership) == ["awaited", "awaited", "awaited", "1"])
        _ = membership.receive(Base.report(state: .down), from: Self.agents[0], now: Self.start)
        #expect(places(membership) == ["out", "awaited", "awaited", "1"])
        _ = membership.receive(Base.report(), from: Self.agents[1], now: Self.start)
        #expect(places(membership) == ["out", "awaited", "awaited", "1"], "up, but for the quorum")
        var other = membership
        _ = membership.receive(Base.report(), from: Self.agents[2], now: Self.start)
        #expect(places(membership) == ["out", "100", "100", "out"])
        _ = other.receive(Base.report(state: .down), from: Self.agents[2], now: Self.start)
        #expect(places(other) == ["out", "out", "out", "1"], "nobody is left who could win it")
    }

    @Test("each family has its own quorum, and its own servers and sorry server; a tunnel serves both with all")
    func families() throws {
        let vips = ["192.0.2.10", "2001:db8::10"].map { IPAddress($0)! }
        let servers = ["10.0.0.11", "fd00::11"].map {
            DirectorConfiguration.Server(address: IPAddress($0)!, agent: nil)
        }
        let sorry = DirectorConfiguration.SorryServer(address: try #require(IPAddress("fd00::99")))
        var service = DirectorConfiguration.Service(
            name: "web", vips: vips, port: 80, sorryServers: [sorry], servers: servers)
        var membership = Membership([service], now: Self.start)
        _ = membership.drain(servers[1].address, in: "web", true, now: Self.start)
        #expect(membership.plans.map(\.vips) == [[vips[0]], [vips[1]]])
        #expect(membership.plans[0].servers.map(\.address) == [servers[0].address])
        #expect(membership.plans[0].servers.map(\.weight) == [1])
        #expect(membership.plans[1].servers.map(\.address) == [servers[1].address, sorry.address])
        #expect(membership.plans[1].servers.map(\.weight) == [0, 1])
        service.forward = .tun
        service.tunnel = .init(.gue, port: 7000)
        service.sorryServers = []
        membership = Membership([service], now: Self.start)
        #expect(membership.plans.map { $0.servers.map(\.address) } == [servers.map(\.address), servers.map(\.address)])
        #expect(membership.plans[0].servers[0].method == .tunnel(.gue(port: 7000)))
    }

    @Test("drained at the director: no new connections, not out of the service; down stays down")
    func drained() {
        var membership = Self.membership(Self.service())
        let address = Base.server(11).address
        #expect(membership.drain(address, in: "web", true, now: Self.start)?.map(\.new.state) == [.draining])
        #expect(Self.weights(membership) == [0, 100, 100])
        #expect(membership.plans[0].servers.map(\.isOut) == [false, false, false], "its clients stay its own")
        #expect(Base.standing(membership).reason == "drained at the director")
        _ = membership.receive(Base.report(weight: 50), from: Self.agents[0], now: Self.start)
        #expect(Self.weights(membership)[0] == 0, "whatever its agent asks for")
        _ = membership.receive(Base.report(state: .down, reason: "check"), from: Self.agents[0], now: Self.start)
        #expect(Base.standing(membership).state == .down && membership.plans[0].servers[0].isOut)
        _ = membership.receive(Base.report(), from: Self.agents[0], now: Self.start)
        #expect(membership.drain(address, in: "web", false, now: Self.start)?.map(\.new.weight) == [100])
        #expect(membership.drain(address, in: "mail", true, now: Self.start) == nil)
        #expect(membership.drain(Base.server(99).address, in: "web", true, now: Self.start) == nil)
    }

    @Test("a reload keeps what is known of whoever stays, forgets who goes, and lets who comes come slowly")
    func reconfigured() {
        var membership = Self.membership(Self.service { $0.slowStart = .seconds(20) })
        _ = membership.drain(Base.server(12).address, in: "web", true, now: Self.start)
        var service = Self.service(Array(Self.servers().dropFirst()) + [Base.server(14, agent: nil, weight: 50)])
        service.servers[1].weight = 2
        service.slowStart = .seconds(20)
        let changes = membership.reconfigure([service], now: Self.start)
        #expect(Self.weights(membership) == [0, 200, 1], "drained; its new weight; slowly")
        #expect(changes.map(\.address) == [Base.server(13).address, Base.server(14).address])
        #expect(membership.agents.map(\.url) == Array(Self.agents.dropFirst()))
        #expect(
            membership.receive(Base.report(), from: Self.agents[0], now: Self.start).isEmpty,
            "whoever is gone is not heard")
        // With another agent, nothing is known of a server.
        service.servers[1].agent = "http://10.0.0.13:9999"
        _ = membership.reconfigure([service], now: Self.start)
        #expect(Self.weights(membership) == [0, 0, 1])
        _ = membership.reconfigure([], now: Self.start)
        #expect(membership.plans.isEmpty && membership.deadline == nil)
    }

    @Test("a server without an agent follows the director's checks, and is up by its weight before they say something")
    func checks() {
        var membership = Membership([Base.service([Base.server(11, agent: nil, weight: 7)])], now: Self.start)
        let address = Base.server(11).address
        let down = membership.receiveCheck(of: address, in: "web", isUp: false, reason: "refused", now: Self.start)
        #expect(down.map(\.new) == [.down("refused")] && membership.plans[0].servers[0].isOut)
        _ = membership.receiveCheck(of: address, in: "web", isUp: true, reason: "", now: Self.start)
        #expect(Self.weights(membership) == [7])
    }

    @Test("all that the file says of a service is in the plan")
    func plan() throws {
        let service = DirectorConfiguration.Service(
            name: "dns", vips: [Base.vip], port: 53, transport: .udp, forward: .nat, scheduler: .mh,
            schedulerFlags: [.fallback],
            persistence: .init(timeout: .seconds(90), prefixLength: 24, drainedClients: .move),
            removedConnections: .forget, isSloppy: true,
            servers: [
                .init(
                    address: Base.server(11).address, port: 5353, agent: nil, weight: 3,
                    thresholds: .init(upper: 10, lower: 4))
            ])
        let plan = try #require(Membership([service], now: Self.start).plans.first)
        let known = try #require(plan.services { _ in nil }.first)
        #expect(known.transport == .udp && known.scheduler == .mh && known.options == .init(fallsBack: true))
        #expect(known.persistence == .init(timeout: 90_000, prefixLength4: 24) && known.expiresQuiescentTemplates)
        #expect(known.expiresOrphans && known.isSloppy && known.answersReturn && known.port == 53)
        let server = known.servers[0]
        #expect(
            server.port == 5353 && server.weight == 3 && server.upper == 10 && server.lower == 4
                && server.method == .nat)
        #expect(server.station == nil)
    }

    @Test("a tunnel begins at our address towards the server, and one from nowhere carries nothing")
    func tunnels() throws {
        let server = ServicePlan.Server(address: Base.server(11).address, weight: 1, method: .tunnel(.ipip))
        let plan = ServicePlan(name: "web", vips: [Base.vip], port: 80, scheduler: .rr, servers: [server])
        let station = LinkStation(egress: 0, source: MACAddress(rawValue: 1), destination: MACAddress(rawValue: 2))
        let source = IPAddress.v4(IPv4Address(10, 0, 0, 1))
        let reached = plan.services { _ in .init(station: station, mtu: 1400, source: source) }[0].servers[0]
        #expect(reached.method == .tunnel(Tunnel(.ipip, from: source, to: server.address)))
        #expect(reached.station == station && reached.mtu == 1400)
        for other in [nil, IPAddress("fd00::1")] {
            #expect(
                plan.services { _ in .init(station: station, mtu: 1400, source: other) }[0].servers[0].station == nil)
        }
    }
}
