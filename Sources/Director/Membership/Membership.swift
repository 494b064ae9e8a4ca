internal import ConfigurationFile
internal import HealthReporter
internal import NetworkAddress

/// Which server gets what share of each service's new connections, from what is configured, what the agents and checks say,
/// and what is asked for by hand. Time is given to it; it has no clock of its own.
///
/// A server with an agent is down until its agent's first report, but not out of the service: it is awaited, for as long as `fall`
/// polls in a row may take. It follows the reports from then on, and is down again after `fall` polls in a row without an answer, or once its agent's last word is over that is believed for so long (`last_word`).
/// After that it needs `rise` answers in a row. One without an agent follows the director's own checks, and is up by its
/// configured weight until they say something.
struct Membership: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// A server whose standing became another.
    struct Change: Hashable, Sendable {
        var service: String
        var address: IPAddress
        var old: Standing
        var new: Standing
    }

    /// One service and its servers, in the order of the configuration.
    struct Group: Sendable {
        var service: DirectorConfiguration.Service
        var members: [Member]
        /// The families of VIPs whose connections the sorry server gets: too few servers are up.
        var apologies: Set<Family> = []
    }

    /// How often in a row an agent has answered, or has not.
    struct Hearing: Sendable {
        var answers = 0
        var misses = 0
    }

    /// Where a member is: its group's index and its own.
    struct Place: Hashable, Sendable {
        var group: Int
        var member: Int
    }

    private(set) var groups: [Group] = []
    /// Servers that joined, were drained by hand and have gone: they are still drained when they are back.
    private var drainedAway: Set<LeaseBook.Key> = []
    private var hearings: [String: Hearing] = [:]
    private var placesOfAgents: [String: [Place]] = [:]
    /// When something is due that the time alone brings about; nil: nothing is.
    private(set) var deadline: Instant?

    /// The director's start. Nobody comes up slowly then.
    ///
    /// - Parameter drained: servers that joined, and were drained by hand before.
    init(_ services: [DirectorConfiguration.Service], drained: Set<LeaseBook.Key> = [], now: Instant) {
        groups = services.map { service in
            Group(service: service, members: service.servers.map { Member($0, of: service, isOfTheStart: true) })
        }
        drain(drained)
        indexAgents()
        _ = refreshAll(now: now)
    }

    /// The agents to poll, each once, in the order of the configuration.
    var agents: [Agent] {
        var seen: Set<String> = []
        return groups.flatMap(\.members).compactMap { member in
            guard let url = member.configuration.agent, seen.insert(url).inserted else { return nil }
            return Agent(url: url, access: member.configuration.access)
        }
    }

    /// The agent answered.
    mutating func receive(_ report: Report, from agent: String, now: Instant) -> [Change] {
        let hearing = Hearing(answers: (hearings[agent]?.answers ?? 0) + 1, misses: 0)
        hearings[agent] = hearing
        let places = placesOfAgents[agent] ?? []
        for place in places {
            let evidence = Evidence.told(report, about: groups[place.group].service)
            groups[place.group].members[place.member].hear(evidence, hearing)
        }
        return refresh(places, now: now)
    }

    /// The agent did not answer, or not with a report; `reason` says how.
    mutating func missPoll(of agent: String, reason: String, now: Instant) -> [Change] {
        let hearing = Hearing(answers: 0, misses: (hearings[agent]?.misses ?? 0) + 1)
        hearings[agent] = hearing
        let places = placesOfAgents[agent] ?? []
        for place in places {
            let lastWord = groups[place.group].service.lastWord
            groups[place.group].members[place.member].miss(hearing, reason: reason, lastWord: lastWord, now: now)
        }
        return refresh(places, now: now)
    }

    /// The director's own checks of a server without an agent came to a verdict; why, where there is something to explain.
    mutating func receiveCheck(
        of address: IPAddress, in service: String, isUp: Bool, reason: String, now: Instant
    ) -> [Change] {
        guard let place = place(of: address, in: service), self[place].configuration.agent == nil else { return [] }
        groups[place.group].members[place.member].evidence = .checked(
            isUp: isUp, reason: String(reason.prefix(Standing.longestReason)))
        return refresh([place], now: now)
    }

    /// Takes a server out of the scheduling by hand, or gives it back; nil: there is no such server.
    mutating func drain(
        _ address: IPAddress, in service: String, _ isDrained: Bool, now: Instant
    ) -> [Change]? {
        guard let place = place(of: address, in: service) else {
            let isOver = !isDrained && drainedAway.remove(.init(service: service, address: address)) != nil
            return isOver ? [] : nil
        }
        groups[place.group].members[place.member].isDrained = isDrained
        return refresh([place], now: now)
    }

    /// What the time alone brings about. Costs nothing before ``deadline``.
    mutating func advance(to now: Instant) -> [Change] {
        guard let deadline, now >= deadline else { return [] }
        return refreshAll(now: now)
    }

    /// Makes these the services. A service is known by its name, a server by its address: what is known of those that stay is
    /// kept, who is drained by hand too. Those that are new come up slowly.
    mutating func reconfigure(_ services: [DirectorConfiguration.Service], now: Instant) -> [Change] {
        let old = Dictionary(uniqueKeysWithValues: groups.map { ($0.service.name, $0) })
        let drained = drainedJoins
        groups = services.map { service in
            let group = old[service.name]
            let known = Dictionary(uniqueKeysWithValues: (group?.members ?? []).map { ($0.configuration.address, $0) })
            let members = service.servers.map { server in
                known[server.address]?.reconfigured(server, in: service)
                    ?? Member(server, of: service, isOfTheStart: false)
            }
            return Group(service: service, members: members, apologies: group?.apologies ?? [])
        }
        drain(drained)
        indexAgents()
        hearings = hearings.filter { placesOfAgents[$0.key] != nil }
        return refreshAll(now: now)
    }
}

extension Membership {
    /// Which servers that joined, or had joined, are drained by hand.
    var drainedJoins: Set<LeaseBook.Key> {
        var keys = drainedAway
        for group in groups {
            for member in group.members where member.isDrained && member.configuration.isJoined {
                keys.insert(.init(service: group.service.name, address: member.configuration.address))
            }
        }
        return keys
    }

    /// Drains those of them that are there, and keeps in mind those that are not, unless their service is gone.
    private mutating func drain(_ keys: Set<LeaseBook.Key>) {
        drainedAway = []
        for key in keys {
            if let place = place(of: key.address, in: key.service) {
                groups[place.group].members[place.member].isDrained = true
            } else if groups.contains(where: { $0.service.name == key.service }) {
                drainedAway.insert(key)
            }
        }
    }

    /// Judges all servers and quorums anew.
    private mutating func refreshAll(now: Instant) -> [Change] {
        deadline = nil
        let changes = refresh(allPlaces, now: now)
        for group in groups.indices { groups[group].judgeQuorum() }
        return changes
    }

    /// Judges these servers anew, and the quorum of their services where one of them changed.
    private mutating func refresh(_ places: [Place], now: Instant) -> [Change] {
        var changes: [Change] = []
        var changed: Set<Int> = []
        for place in places {
            let service = groups[place.group].service
            let old = self[place].standing
            groups[place.group].members[place.member].judge(in: service, now: now)
            let new = self[place].standing
            guard new != old else { continue }
            changed.insert(place.group)
            changes.append(
                Change(service: service.name, address: self[place].configuration.address, old: old, new: new))
        }
        for group in changed { groups[group].judgeQuorum() }
        let due = places.compactMap { self[$0].deadline(after: now) }.min()
        deadline = [deadline, due].compactMap(\.self).min()
        return changes
    }

    private subscript(_ place: Place) -> Member { groups[place.group].members[place.member] }

    private var allPlaces: [Place] {
        groups.indices.flatMap { group in groups[group].members.indices.map { Place(group: group, member: $0) } }
    }

    private func place(of address: IPAddress, in service: String) -> Place? {
        guard let group = groups.firstIndex(where: { $0.service.name == service }) else { return nil }
        let index = groups[group].members.firstIndex { $0.configuration.address == address }
        return index.map { Place(group: group, member: $0) }
    }

    private mutating func indexAgents() {
        placesOfAgents = [:]
        for place in allPlaces {
            if let agent = self[place].configuration.agent { placesOfAgents[agent, default: []].append(place) }
        }
    }
}
