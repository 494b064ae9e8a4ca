internal import ConfigurationFile
internal import Forwarding
internal import HealthReporter
internal import NetworkAddress
internal import Testing

@testable internal import Director

@Suite("the status, joined")
struct StatusJoiningTests {
    static let vip = IPAddress.v4(IPv4Address(192, 0, 2, 10))
    static let server = IPAddress.v4(IPv4Address(10, 0, 0, 11))

    static func configured(_ transport: TransportProtocol) -> DirectorConfiguration.Service {
        .init(
            name: transport.rawValue, vips: [vip], port: 53, transport: transport, forward: .nat, scheduler: .sh,
            schedulerFlags: [.port, .fallback], persistence: .init(timeout: .seconds(300), prefixLength: 24),
            servers: [.init(address: server, port: 5353, agent: nil, thresholds: .init(upper: 1000, lower: 800))])
    }

    static func counted(_ transport: Transport, connections: UInt64) -> ServiceStatistics {
        ServiceStatistics(
            name: "dns", vip: vip, transport: transport, port: 53, scheduler: .sh, connections: connections,
            outbound: .init(packets: 7, bytes: 700),
            servers: [
                ServerStatistics(
                    address: server, port: 5353, weight: 3, isResolved: true, activeConnections: 1,
                    inactiveConnections: 2, templates: 4, connections: connections)
            ])
    }

    @Test("what is counted, configured and estimated comes together, by protocol, port and server's port")
    func joining() throws {
        let statistics = [Self.counted(.tcp, connections: 100), Self.counted(.udp, connections: 4000)]
        var rates = RateBook()
        rates.sample(statistics, after: .seconds(2))
        let engine = EngineSnapshot(
            interfaces: [], services: statistics, stations: [:], flows: 0, flowCapacity: 1, drops: [:])
        let snapshot = StatusSnapshot(
            director: "rsdirector", host: "d1", time: Timestamp(secondsSinceEpoch: 0), engine: engine,
            groups: Membership([Self.configured(.tcp), Self.configured(.udp)], now: .now).groups, rates: rates)
        #expect(snapshot.total.connections == 4100)
        #expect(snapshot.services.map(\.total.connections) == [100, 4000])
        #expect(snapshot.services.map(\.rate.connections) == [12, 500])
        let service = try #require(snapshot.services.last)
        #expect(service.schedulerFlags == ["sh-fallback", "sh-port"] && service.total.outboundBytes == 700)
        #expect(service.persistence == .init(timeout: 300, prefixLength: 24))
        let server = try #require(service.servers.first)
        #expect(server.port == 5353 && server.weight == 3 && server.templates == 4)
        #expect(server.upper == 1000 && server.lower == 800)
        #expect(server.total.connections == 4000 && server.rate.connections == 500)
    }

    @Test("the sorry server stands behind the others, with what it was given, whether it is asked to answer or not")
    func sorry() throws {
        var service = Self.configured(.udp)
        let place = IPAddress.v4(IPv4Address(10, 0, 0, 99))
        service.sorryServers = [.init(address: place, port: 8053, forward: .nat)]
        var counted = Self.counted(.udp, connections: 9)
        counted.servers.append(
            ServerStatistics(
                address: place, port: 8053, weight: 1, isResolved: true, activeConnections: 0, inactiveConnections: 5,
                templates: 0, connections: 6))
        for isWanted in [true, false] {
            // An agent that was not heard yet asks for no weight.
            service.servers[0].agent = isWanted ? "http://10.0.0.11:9380" : nil
            counted.servers[1].weight = isWanted ? 1 : 0
            let engine = EngineSnapshot(
                interfaces: [], services: [counted], stations: [:], flows: 0,
                flowCapacity: 1, drops: [:])
            let snapshot = StatusSnapshot(
                director: "rsdirector", host: "d1", time: Timestamp(secondsSinceEpoch: 0), engine: engine,
                groups: Membership([service], now: .now).groups, rates: RateBook())
            let told = try #require(snapshot.services.first?.servers)
            #expect(told.map(\.sorry) == [false, true])
            #expect(told.last?.address == place && told.last?.port == 8053 && told.last?.weight == (isWanted ? 1 : 0))
            #expect(told.last?.inactive == 5 && told.last?.total.connections == 6)
            let line = snapshot.text().split(separator: "\n").last { $0.contains("10.0.0.99:8053") }
            #expect(line?.contains("Masq    \(isWanted ? 1 : 0)") == true, "\(line ?? "")")
            #expect(
                line?.hasSuffix(
                    isWanted ? "sorry server; MAC not known; too few servers are up" : "sorry server; MAC not known")
                    == true)
            #expect(!snapshot.metrics.contains(#"server="10.0.0.99:8053",state="#), "nobody checks it")
            #expect(snapshot.metrics.contains(#"remote_address="10.0.0.99""#))
            let inForce =
                #"rsdirector_sorry_server{service="udp",vip="192.0.2.10",server="10.0.0.99:8053"} \#(isWanted ? 1 : 0)"#
            #expect(snapshot.metrics.contains(inForce))
        }
    }
}
