internal import ConfigurationFile
internal import HealthReporter
internal import NetworkAddress

/// Takes servers that join into a configuration, each judged by itself: the same as `rsdirector server add` would do. What
/// is looked up for each is looked for once for all of them.
struct Admission {
    /// With those that were admitted.
    private(set) var configuration: DirectorConfiguration
    /// Whether that is another than it was.
    private(set) var isChanged = false
    private let services: [String: Int]
    /// Where each server of a service is, of the services that were asked about.
    private var places: [Int: [IPAddress: Int]] = [:]
    /// How many have joined.
    private var joined: Int
    /// Agents that are shown something else than those that join.
    private let agentsOfOthers: Set<String>

    /// - Parameter joined: how many of its servers have joined; nil: they are counted.
    init(_ configuration: DirectorConfiguration, joined: Int? = nil) {
        self.configuration = configuration
        self.joined = joined ?? configuration.services.reduce(0) { $0 + $1.servers.count(where: \.isJoined) }
        services = Dictionary(configuration.services.enumerated().map { ($1.name, $0) }) { first, _ in first }
        agentsOfOthers = configuration.agentsShownSomethingElse
    }

    /// Takes a server in, or what it asks for now; returns whether it is one by a join or was one before.
    ///
    /// - Parameter known: what its agent asked for before; nil: it has not joined.
    /// - Throws: `ControlRefusal` where it may not; nothing is changed then.
    mutating func admit(
        _ key: LeaseBook.Key, _ wish: JoinWish, known: JoinWish? = nil
    ) throws(ControlRefusal) -> JoinAnswer.Outcome {
        let operation = "join service \(printableLine(key.service.utf8, upTo: 63)) as \(key.address)"
        guard let join = configuration.join, let index = services[key.service] else {
            throw configuration.noService(operation)
        }
        guard join.services.contains(key.service) else {
            throw ControlRefusal(
                .forbidden, operation: operation, cause: "servers may not join it by themselves",
                cure: "add it to `services` under [join] in the director's file")
        }
        let agent = configuration.agentURL(of: key.address, wish.agentPort)
        let place = place(of: key.address, in: index)
        if let place, !configuration.services[index].servers[place].isJoined { return .configured }
        guard !agentsOfOthers.contains(agent) else {
            throw ControlRefusal(
                .conflict, operation: operation,
                cause:
                    "its agent, \(agent), is asked already for a server of the director's file that shows it a token "
                    + "or authority of its own",
                cure: "write this server in the director's file too, or have that one shown what [agent] says")
        }
        if let place {
            try renew(place, in: index, agent, wish, known, operation)
            return .joined
        }
        guard joined < join.limit else {
            throw ControlRefusal(
                .conflict, operation: operation, cause: "\(joined) servers have joined, which is the limit",
                cure: "raise `limit` under [join] in the director's file")
        }
        var server = try configuration.server(
            ServerRequest(service: key.service, address: key.address, weight: wish.weight, port: wish.port),
            agent: agent,
            of: configuration.services[index], operation)
        server.isJoined = true
        places[index]?[key.address] = configuration.services[index].servers.count
        configuration.services[index].servers.append(server)
        joined += 1
        isChanged = true
        return .joined
    }

    /// Takes one out again that was admitted last.
    mutating func withdraw(_ key: LeaseBook.Key) {
        guard let index = services[key.service], let place = places[index]?.removeValue(forKey: key.address) else {
            return
        }
        configuration.services[index].servers.remove(at: place)
        joined -= 1
    }

    /// The configuration with this one server and no other, and no source NAT: all that can be wrong with it shows there too,
    /// without a look at the way to every other one.
    func alone(_ key: LeaseBook.Key) -> DirectorConfiguration {
        var result = configuration
        (result.services, result.outbound) = ([], [])
        guard let index = services[key.service], let place = places[index]?[key.address] else { return result }
        var service = configuration.services[index]
        service.servers = [service.servers[place]]
        service.sorryServers = []
        result.services = [service]
        return result
    }

    /// What was set by hand stays until its agent asks for something else.
    private mutating func renew(
        _ place: Int, in index: Int, _ agent: String, _ wish: JoinWish, _ known: JoinWish?, _ operation: String
    ) throws(ControlRefusal) {
        var server = configuration.services[index].servers[place]
        if known?.weight != wish.weight { try server.take(weight: wish.weight, operation) }
        if known?.port != wish.port {
            server.port = nil
            try server.take(port: wish.port, of: configuration.services[index], operation)
        }
        server.agent = agent
        guard server != configuration.services[index].servers[place] else { return }
        configuration.services[index].servers[place] = server
        isChanged = true
    }

    private mutating func place(of address: IPAddress, in index: Int) -> Int? {
        if let known = places[index] { return known[address] }
        let servers = configuration.services[index].servers
        let known = Dictionary(servers.enumerated().map { ($1.address, $0) }) { first, _ in first }
        places[index] = known
        return known[address]
    }
}
