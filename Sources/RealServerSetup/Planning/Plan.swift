internal import NetworkAddress

/// What has to change on a host so that it is fit for its VIPs, or why it cannot be made so.
///
/// A pure function of the request, the host as it is, and what the journal says is ours.
public struct Plan: Sendable, Hashable {
    /// The changes, in the order they are to be made: what hides and guards first, what lets packets in last.
    public var steps: [Step] = []
    /// What stands in the way. While there is any, `apply` changes nothing.
    public var refusals: [Refusal] = []
    /// Objects of the request that somebody else had made: they stay when rsagent goes, and are put back where they vanish.
    var adoptions: [HostObject] = []
    /// Objects of the request that are there, bear rsagent's name, and are not on record: the record was lost or cut.
    var claims: [HostObject] = []

    /// What a step or a refusal is about, in the order in which a packet meets it.
    public enum Topic: String, Sendable, Hashable, CaseIterable, Comparable {
        /// What the kernel can do.
        case kernel
        /// The interfaces that everything else needs.
        case interface
        /// VIPs on this host.
        case vip
        /// Who answers ARP for them.
        case arp
        /// Tunnel devices, and UDP ports that unpack.
        case tunnel
        /// `rp_filter`.
        case reversePath = "rp_filter"
        /// Who may send tunnel packets, and the segment size.
        case lockdown
        /// Answers that go back by way of the director.
        case reply

        /// In the order of the list above.
        public static func < (left: Self, right: Self) -> Bool {
            (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
        }
    }

    /// A change and the reason for it.
    public struct Step: Sendable, Hashable {
        /// The change.
        public var change: Change
        /// Why, in words.
        public var reason: String
        /// What it is about.
        public var topic: Topic
        /// The services it concerns; nil: all of them.
        public var services: Set<String>?
    }

    /// Something that rsagent does not change, because it is not its own to change.
    public struct Refusal: Sendable, Hashable, CustomStringConvertible {
        /// What is wrong.
        public var problem: String
        /// What the operator can do about it.
        public var cure: String
        /// What it is about.
        public var topic: Topic
        /// The services it concerns; nil: all of them.
        public var services: Set<String>?

        /// The problem and its cure.
        public var description: String { "\(problem); \(cure)" }
    }

    /// Whether the host is as it should be.
    public var isEmpty: Bool { steps.isEmpty && refusals.isEmpty }

    /// What is wrong with the host as far as a service is concerned, in words for the report.
    public func problems(for service: String) -> [String] {
        var problems: [String] = []
        let found =
            refusals.filter { $0.services?.contains(service) ?? true }.map(\.problem)
            + steps.filter { $0.services?.contains(service) ?? true }.map(\.reason)
        for problem in found where !problems.contains(problem) { problems.append(problem) }
        return problems
    }

    /// - Parameters:
    ///   - request: what the host should be.
    ///   - host: what it is.
    ///   - ownership: what the journal says is rsagent's.
    ///   - director: by way of whom answers go back, of each family; nil: any of the request's will do.
    init(
        _ request: SetupRequest, host: HostSnapshot, ownership: Ownership = Ownership(),
        preferring directors: [IPAddress]? = nil
    ) {
        // What one step makes, the next ones build on: so a plan is made again of the host as it will be, until there is
        // nothing left. A chain of three is the longest there is: a device, what is set on it, an address there.
        var host = host
        for round in 0..<Self.rounds {
            var planner = Planner(request, host, ownership, directors)
            planner.plan()
            for refusal in planner.refusals where !refusals.contains(refusal) { refusals.append(refusal) }
            // Only what is there, not what is foreseen.
            if round == 0 { (adoptions, claims) = (planner.adoptions, planner.claims) }
            if planner.steps.isEmpty { break }
            steps += planner.steps
            for step in planner.steps { host.foresee(step.change) }
        }
        // Stable: within a rank, as planned.
        steps = steps.enumerated().sorted { ($0.element.change.rank, $0.offset) < ($1.element.change.rank, $1.offset) }
            .map(\.element)
    }

    private static let rounds = 5
}

/// What the journal says of objects on the host.
public struct Ownership: Sendable, Equatable {
    /// Made by rsagent: every shape each was ever given, for a crash may have left any of them.
    var made: [HostObject.Identity: [HostObject]] = [:]
    /// There before it, as they were found.
    var adopted: Set<HostObject> = []
}
