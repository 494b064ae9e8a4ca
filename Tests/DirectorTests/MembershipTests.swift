internal import ConfigurationFile
internal import Forwarding
internal import HealthReporter
internal import NetworkAddress
internal import Testing

@testable internal import Director

@Suite("who is in service")
struct MembershipTests {
    static let vip = IPAddress.v4(IPv4Address(192, 0, 2, 10))
    static let agent = "http://10.0.0.11:9380"
    static let start = ContinuousClock.now

    static func server(_ last: UInt8, agent: String? = agent, weight: Int = 1, fall: Int = 3)
        -> DirectorConfiguration.Server
    {
        .init(address: .v4(IPv4Address(10, 0, 0, last)), agent: agent, weight: weight, fall: fall)
    }

    static func service(named name: String = "web", port: UInt16 = 80, _ servers: [DirectorConfiguration.Server])
        -> DirectorConfiguration.Service
    {
        .init(name: name, vips: [vip], port: port, servers: servers)
    }

    static func report(
        _ name: String = "web", state: ServiceState = .up, weight: Int = 100, reason: String = "",
        vips: [IPAddress] = [vip], ports: [UInt16] = [80]
    ) -> Report {
        Report(
            agent: "rsagent", host: "rs1", boot: "b", generation: 1, time: Timestamp(secondsSinceEpoch: 0),
            services: [
                .init(
                    name: name, vips: vips, ports: ports, transport: .tcp, forward: .dr, state: state, weight: weight,
                    baseWeight: 100, reason: reason, connections: nil, setup: .init(problems: []), checks: [])
            ])
    }

    static func standing(_ membership: Membership, _ group: Int = 0, _ member: Int = 0) -> Membership.Standing {
        membership.groups[group].members[member].standing
    }

    @Test("a server with an agent is down until the first report; one without has its configured weight")
    func start() {
        let membership = Membership(
            [Self.service([Self.server(11), Self.server(12, agent: nil, weight: 7)])], now: Self.start)
        #expect(membership.plans[0].servers.map(\.weight) == [0, 7])
        #expect(Self.standing(membership).state == .down)
        #expect(Self.standing(membership).reason == "no report from its agent yet")
        #expect(Self.standing(membership, 0, 1).state == .up)
    }

    @Test("a server is awaited, and not out, until its agent was heard, or was asked in vain for too often")
    func awaited() {
        let places = { (membership: Membership) in
            membership.plans[0].servers.map { $0.isAwaited ? "awaited" : $0.isOut ? "out" : "\($0.weight)" }
        }
        var services = [Self.service([Self.server(11, fall: 2), Self.server(12, agent: nil)])]
        var membership = Membership(services, now: Self.start)
        #expect(places(membership) == ["awaited", "1"])
        #expect(membership.missPoll(of: Self.agent, reason: "refused", now: Self.start).isEmpty)
        #expect(places(membership) == ["awaited", "1"])
        #expect(membership.missPoll(of: Self.agent, reason: "refused", now: Self.start).count == 1)
        #expect(places(membership) == ["out", "1"], "the engine hears of it")
        _ = membership.receive(Self.report(), from: Self.agent, now: Self.start)
        #expect(places(membership) == ["100", "1"])
        // Of another agent nothing is known, and of a server that came nothing either.
        services[0].servers[0].agent = "http://10.0.0.11:9999"
        services[0].servers.append(Self.server(13, agent: "http://10.0.0.13:9380"))
        _ = membership.reconfigure(services, now: Self.start)
        #expect(places(membership) == ["awaited", "1", "awaited"])
        _ = membership.receive(Self.report(state: .down), from: "http://10.0.0.11:9999", now: Self.start)
        _ = membership.receive(Self.report(state: .draining), from: "http://10.0.0.13:9380", now: Self.start)
        #expect(places(membership) == ["out", "1", "0"])
        // What is in the plan is in what the forwarder is given.
        let started = Membership(services, now: Self.start).plans[0].services { _ in nil }
        #expect(started[0].servers.map(\.isAwaited) == [true, false, true])
    }

    @Test("packets of unknown flows are scheduled once all servers were heard of, one way or the other")
    func sloppiness() {
        var service = Self.service([
            Self.server(11), Self.server(12, agent: "http://10.0.0.12:9380", fall: 2), Self.server(13, agent: nil),
        ])
        service.isSloppy = true
        var membership = Membership([service], now: Self.start)
        #expect(!membership.plans[0].isSloppy, "the servers there are would get others' clients")
        _ = membership.receive(Self.report(), from: Self.agent, now: Self.start)
        #expect(!membership.plans[0].isSloppy)
        _ = membership.missPoll(of: "http://10.0.0.12:9380", reason: "refused", now: Self.start)
        #expect(!membership.plans[0].isSloppy)
        let changes = membership.missPoll(of: "http://10.0.0.12:9380", reason: "refused", now: Self.start)
        #expect(membership.plans[0].isSloppy && !changes.isEmpty, "the engine must hear of it")
        _ = membership.missPoll(of: Self.agent, reason: "refused", now: Self.start)
        #expect(membership.plans[0].isSloppy, "and it stays so")
        service.isSloppy = false
        _ = membership.reconfigure([service], now: Self.start)
        #expect(!membership.plans[0].isSloppy)
    }

    @Test("the weight is what the agent asks for times what is configured, 65535 at most")
    func weights() {
        var membership = Membership([Self.service([Self.server(11, weight: 3)])], now: Self.start)
        let changes = membership.receive(Self.report(weight: 87), from: Self.agent, now: Self.start)
        #expect(changes.map(\.new.weight) == [261])
        #expect(membership.plans[0].servers.map(\.weight) == [261])
        for absurd in [Int.max, 65_535, 30_000] {
            _ = membership.receive(Self.report(weight: absurd), from: Self.agent, now: Self.start)
            #expect(membership.plans[0].servers.map(\.weight) == [65_535])
        }
        _ = membership.receive(Self.report(weight: -5), from: Self.agent, now: Self.start)
        #expect(membership.plans[0].servers.map(\.weight) == [0])
    }

    @Test("no state but up gets new connections, whatever weight comes with it", arguments: ServiceState.allCases)
    func states(state: ServiceState) {
        var membership = Membership([Self.service([Self.server(11)])], now: Self.start)
        _ = membership.receive(
            Self.report(state: state, weight: 50, reason: "because"), from: Self.agent, now: Self.start)
        #expect(Self.standing(membership).state == state)
        #expect(Self.standing(membership).weight == (state == .up ? 50 : 0))
        #expect(Self.standing(membership).reason == "because")
    }

    @Test("a server is down after fall polls in a row without an answer, not before, and back with the next report")
    func fall() {
        var membership = Membership([Self.service([Self.server(11), Self.server(12, fall: 5)])], now: Self.start)
        _ = membership.receive(Self.report(), from: Self.agent, now: Self.start)
        #expect(membership.missPoll(of: Self.agent, reason: "refused", now: Self.start).isEmpty)
        #expect(membership.missPoll(of: Self.agent, reason: "refused", now: Self.start).isEmpty)
        _ = membership.receive(Self.report(), from: Self.agent, now: Self.start)
        for _ in 0..<2 { #expect(membership.missPoll(of: Self.agent, reason: "refused", now: Self.start).isEmpty) }
        let changes = membership.missPoll(of: Self.agent, reason: "refused", now: Self.start)
        #expect(changes.map(\.address) == [Self.server(11).address], "the other one has fall = 5")
        #expect(changes.map(\.new.state) == [.down] && changes.map(\.new.weight) == [0])
        #expect(changes[0].new.reason == "agent \(Self.agent): refused")
        #expect(membership.missPoll(of: Self.agent, reason: "refused", now: Self.start).isEmpty, "said once")
        #expect(membership.missPoll(of: Self.agent, reason: "refused", now: Self.start).count == 1)
        #expect(membership.receive(Self.report(), from: Self.agent, now: Self.start).map(\.new.state) == [.up, .up])
    }

    @Test("an agent that does not know the service takes its server down, and says which")
    func unknownService() {
        var membership = Membership([Self.service([Self.server(11)])], now: Self.start)
        _ = membership.receive(Self.report(), from: Self.agent, now: Self.start)
        _ = membership.receive(Self.report("mail"), from: Self.agent, now: Self.start)
        #expect(Self.standing(membership).state == .down)
        #expect(Self.standing(membership).weight == 0)
        #expect(Self.standing(membership).reason == "agent knows no service web")
    }

    @Test("an agent whose host does not take the VIP's packets is down whatever it says: they would vanish")
    func mismatch() {
        var membership = Membership([Self.service([Self.server(11)])], now: Self.start)
        let elsewhere = IPAddress.v4(IPv4Address(192, 0, 2, 99))
        _ = membership.receive(Self.report(reason: "cpu", vips: [elsewhere]), from: Self.agent, now: Self.start)
        #expect(Self.standing(membership).state == .down && Self.standing(membership).weight == 0)
        #expect(Self.standing(membership).reason == "agent does not serve VIP 192.0.2.10")
        _ = membership.receive(Self.report(vips: [elsewhere, Self.vip], ports: []), from: Self.agent, now: Self.start)
        #expect(Self.standing(membership).state == .up && Self.standing(membership).weight == 100)
        #expect(Self.standing(membership).reason == "", "no ports: all of them")
    }

    @Test("an agent that judges another port keeps its server in service with a warning")
    func doubt() {
        var membership = Membership([Self.service([Self.server(11)])], now: Self.start)
        _ = membership.receive(Self.report(reason: "cpu", ports: [8080, 8081]), from: Self.agent, now: Self.start)
        #expect(Self.standing(membership).weight == 100)
        #expect(Self.standing(membership).reason == "cpu; warning: agent serves 8080, 8081, not port 80")
    }

    @Test("one agent of several services is polled once, and each service follows its own part of the report")
    func sharedAgent() {
        var membership = Membership(
            [
                Self.service([Self.server(11), Self.server(12, agent: "http://10.0.0.12:9380")]),
                Self.service(named: "api", port: 81, [Self.server(11)]),
            ], now: Self.start)
        #expect(membership.agents.map(\.url) == [Self.agent, "http://10.0.0.12:9380"])
        _ = membership.receive(Self.report(), from: Self.agent, now: Self.start)
        #expect(Self.standing(membership).state == .up)
        #expect(Self.standing(membership, 0, 1).state == .down, "another agent")
        #expect(Self.standing(membership, 1).reason == "agent knows no service api")
    }

    @Test("the log says what an operator wants to know of a change")
    func sentences() {
        let up = Membership.Standing(state: .up, agentWeight: 100, weight: 100, reason: "")
        let less = Membership.Standing(state: .up, agentWeight: 40, weight: 40, reason: "cpu 0.9")
        let down = Membership.Standing(state: .down, agentWeight: nil, weight: 0, reason: "agent silent")
        let change = { (old: Membership.Standing, new: Membership.Standing) in
            Membership.Change(service: "web", address: Self.vip, old: old, new: new)
        }
        #expect(change(down, up).sentence == "is up, weight 100")
        #expect(change(up, less).sentence == "has weight 40, before 100: cpu 0.9")
        #expect(change(up, down).sentence == "is down: agent silent")
        #expect(change(up, down).isWorse && !change(down, up).isWorse)
    }
}
