internal import ConfigurationFile
internal import Forwarding
internal import HealthReporter
internal import NetworkAddress

/// Which server gets what share of each service's new connections, from what is configured and what the agents say.
///
/// A server with an agent is down until its agent's first report, follows the reports from then on, and is down again
/// after `fall` polls in a row without an answer. One without an agent follows the director's own checks, and is up by its
/// configured weight until they say something.
struct Membership: Sendable {
    /// Where a server stands.
    struct Standing: Hashable, Sendable {
        var state: ServiceState
        /// What the agent asks for; nil: there is no agent, or it did not say.
        var agentWeight: Int?
        /// The share of new connections, 0 to 65535; 0 in every state but `up`.
        var weight: Int
        /// Why, in words; empty where there is nothing to explain.
        var reason: String
    }

    /// A server whose standing became another.
    struct Change: Hashable, Sendable {
        var service: String
        var address: IPAddress
        var old: Standing
        var new: Standing
    }

    /// One server of one service.
    struct Member: Sendable {
        let configuration: DirectorConfiguration.Server
        fileprivate(set) var standing: Standing
    }

    /// One service and its servers, in the order of the configuration.
    struct Group: Sendable {
        let service: DirectorConfiguration.Service
        fileprivate(set) var members: [Member]
    }

    private(set) var groups: [Group]
    /// How many polls in a row each agent has not answered.
    private var failures: [String: Int] = [:]

    init(_ services: [DirectorConfiguration.Service]) {
        groups = services.map { service in
            Group(service: service, members: service.servers.map { Member(configuration: $0, standing: .initial($0)) })
        }
    }

    /// The agents to poll, each once, in the order of the configuration.
    var agents: [String] {
        var seen: Set<String> = []
        return groups.flatMap(\.members).compactMap(\.configuration.agent).filter { seen.insert($0).inserted }
    }

    /// The same with what each is shown, and who must vouch for it.
    var agentAccesses: [(agent: String, access: DirectorConfiguration.AgentAccess)] {
        var seen: Set<String> = []
        return groups.flatMap(\.members).map(\.configuration).compactMap { server in
            guard let agent = server.agent, seen.insert(agent).inserted else { return nil }
            return (agent, server.access)
        }
    }

    /// What the engine is to do.
    var plans: [ServicePlan] {
        groups.map { group in
            ServicePlan(
                name: group.service.name, vips: group.service.vips.compactMap(\.v4), port: group.service.port,
                scheduler: SchedulerKind(group.service.scheduler),
                servers: group.members.compactMap { member in
                    member.configuration.address.v4.map { .init(address: $0, weight: member.standing.weight) }
                })
        }
    }

    /// The agent answered.
    mutating func receive(_ report: Report, from agent: String) -> [Change] {
        failures[agent] = 0
        return update {
            $1.agent == agent
        } to: { service, server, _ in
            .reported(report, service, server)
        }
    }

    /// The agent did not answer, or not with a report; `reason` says how.
    mutating func missPoll(of agent: String, reason: String) -> [Change] {
        let count = failures[agent, default: 0] + 1
        failures[agent] = count
        return update {
            $1.agent == agent
        } to: { _, server, old in
            guard count >= server.fall else { return old }
            // The count is part of it until the server is down; then the reason stays, lest each poll be news.
            return Standing(state: .down, agentWeight: nil, weight: 0, reason: "agent \(agent): \(reason)")
        }
    }

    /// The director's own checks of a server without an agent came to a verdict; why, where there is something to explain.
    mutating func receiveCheck(of address: IPAddress, in service: String, isUp: Bool, reason: String) -> [Change] {
        update {
            $0.name == service && $1.address == address && $1.agent == nil
        } to: { _, server, _ in
            Standing(state: isUp ? .up : .down, agentWeight: nil, weight: isUp ? server.weight : 0, reason: reason)
        }
    }

    private mutating func update(
        where isMeant: (DirectorConfiguration.Service, DirectorConfiguration.Server) -> Bool,
        to standing: (DirectorConfiguration.Service, DirectorConfiguration.Server, Standing) -> Standing
    ) -> [Change] {
        var changes: [Change] = []
        for group in groups.indices {
            for index in groups[group].members.indices {
                let member = groups[group].members[index]
                guard isMeant(groups[group].service, member.configuration) else { continue }
                let new = standing(groups[group].service, member.configuration, member.standing)
                guard new != member.standing else { continue }
                groups[group].members[index].standing = new
                changes.append(
                    Change(
                        service: groups[group].service.name, address: member.configuration.address,
                        old: member.standing, new: new))
            }
        }
        return changes
    }
}

extension Membership.Standing {
    /// The heaviest a server can be, as IPVS takes it (`IP_VS_WMAX` of ipvsadm(8)).
    static let maximumWeight = 65_535

    /// Before any report.
    static func initial(_ server: DirectorConfiguration.Server) -> Self {
        server.agent == nil
            ? Self(state: .up, agentWeight: nil, weight: server.weight, reason: "")
            : Self(state: .down, agentWeight: nil, weight: 0, reason: "no report from its agent yet")
    }

    /// What a report says about a server of a service.
    static func reported(
        _ report: Report, _ service: DirectorConfiguration.Service, _ server: DirectorConfiguration.Server
    ) -> Self {
        guard let told = report.service(named: service.name) else {
            return Self(state: .down, agentWeight: nil, weight: 0, reason: "agent knows no service \(service.name)")
        }
        if let mismatch = told.mismatch(with: service) {
            return Self(state: .down, agentWeight: nil, weight: 0, reason: mismatch)
        }
        let asked = told.state == .up ? min(max(told.weight, 0), maximumWeight) : 0
        let weight = asked.multipliedReportingOverflow(by: server.weight)
        let reasons = ([told.reason, told.doubt(about: service)]).filter { !$0.isEmpty }
        return Self(
            state: told.state, agentWeight: asked,
            weight: weight.overflow ? maximumWeight : min(weight.partialValue, maximumWeight),
            reason: reasons.joined(separator: "; "))
    }
}

extension Report.Service {
    /// Why the agent's host could not take what the director would send it, or nil: whatever its state, that would vanish.
    func mismatch(with service: DirectorConfiguration.Service) -> String? {
        let missing = service.vips.filter { !vips.contains($0) }
        if !missing.isEmpty { return "agent does not serve VIP \(missing.map(\.description).joined(separator: ", "))" }
        if transport != service.transport {
            return "agent serves \(transport.rawValue), not \(service.transport.rawValue)"
        }
        if forward != service.forward { return "agent expects \(forward.rawValue), not \(service.forward.rawValue)" }
        return nil
    }

    /// Where the agent judges another port than the director sends to: what listens there may be as healthy; or empty.
    func doubt(about service: DirectorConfiguration.Service) -> String {
        guard !ports.isEmpty, service.port == 0 || !ports.contains(service.port) else { return "" }
        let port = service.port == 0 ? "all ports" : "port \(service.port)"
        return "warning: agent serves \(ports.map(String.init).joined(separator: ", ")), not \(port)"
    }
}
