/// What an operator asked for by hand, per service. It survives restarts of the agent and of the host.
struct AdminState: Sendable, Equatable {
    /// What was asked for one service.
    struct Entry: Codable, Sendable, Equatable {
        /// What was asked.
        var mode: AdminMode
        /// Why, in the operator's words; may be empty.
        var reason: String
        /// When.
        var since: Timestamp
        /// When it ends by itself; nil: only by `undrain`.
        var until: Timestamp?
        /// The first generation of the report that tells of it: a director that has seen this one knows.
        var generation: UInt64

        /// What was asked, as a part of the report's reason.
        var words: String {
            let what = reason.isEmpty ? "\(mode.rawValue) by hand" : "\(mode.rawValue): \(reason)"
            return until.map { "\(what) (until \($0))" } ?? what
        }
    }

    /// By the service's name. Names that the configuration does not have stay: it may have them again.
    var services: [String: Entry] = [:]
    /// The weights set by hand, by the service's name; names that the configuration does not have stay, too.
    var weights: [String: WeightByHand] = [:]

    /// The state after an operator asked for `mode` on these services.
    ///
    /// Asking again for what already is keeps the generation and the time it began: directors that know need not be
    /// told again. The reason and the end are those of the latest request.
    func asking(
        for mode: AdminMode, of names: [String], reason: String, until: Timestamp?, now: Timestamp, generation: UInt64
    ) -> AdminState {
        var next = self
        for name in names {
            var entry = Entry(mode: mode, reason: reason, since: now, until: until, generation: generation)
            if let present = services[name], present.mode == mode {
                (entry.since, entry.generation) = (present.since, present.generation)
            }
            next.services[name] = entry
        }
        return next
    }

    /// The state with nothing asked of these services any more.
    func withdrawing(_ names: [String]) -> AdminState {
        AdminState(services: services.filter { !names.contains($0.key) }, weights: weights)
    }

    /// The state after an operator set a weight; nil gives it back to the load rules. Setting what already is keeps its time.
    func weighing(_ name: String, _ weight: Int?, now: Timestamp) -> AdminState {
        var next = self
        if weight != weights[name]?.weight {
            next.weights[name] = weight.map { WeightByHand(name: name, weight: $0, since: now) }
        }
        return next
    }
}

/// What an operator can ask for by hand.
public enum AdminMode: String, Codable, Sendable {
    /// No new connections; the open ones are served until they end.
    case drain
    /// Down, until `undrain`.
    case maint
}

extension AdminState: Codable {
    /// The form of the file this version writes and reads.
    private static let version = 1

    private enum CodingKeys: String, CodingKey {
        case version, services, weights
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let version = try container.decode(Int.self, forKey: .version)
        guard version == Self.version else {
            throw DecodingError.dataCorruptedError(
                forKey: .version, in: container,
                debugDescription: "it is of version \(version), and this agent reads version \(Self.version)")
        }
        services = try container.decode([String: Entry].self, forKey: .services)
        // An agent that knew of no weights wrote none, and skips them where it finds them.
        let byHand = try container.decodeIfPresent([WeightByHand].self, forKey: .weights) ?? []
        weights = Dictionary(byHand.map { ($0.name, $0) }) { _, last in last }
        if let wrong = byHand.first(where: { !WeightByHand.range.contains($0.weight) }) {
            throw DecodingError.dataCorruptedError(
                forKey: .weights, in: container, debugDescription: "\(wrong.name): \(wrong.weight) is not a weight")
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(Self.version, forKey: .version)
        try container.encode(services, forKey: .services)
        if !weights.isEmpty { try container.encode(weights.values.sorted { $0.name < $1.name }, forKey: .weights) }
    }
}

extension AdminState {
    /// Reads the file; an empty state where there is none.
    ///
    /// A file that cannot be understood is an error, never an empty state: it may hold a drain, and a server taken out
    /// of service must not come back by itself.
    static func load(from file: StateFile) throws(ReporterError) -> AdminState {
        guard let bytes = try file.read() else { return AdminState() }
        do {
            return try JSON.decode(AdminState.self, from: bytes, operation: "read \(file.path)")
        } catch {
            throw ReporterError(
                .storage, operation: error.operation,
                cause: "it records which services were drained by hand, and it is damaged (\(error.cause))",
                cure: "correct it, or delete it if no service is to be drained or in maintenance; then start again")
        }
    }

    /// What the file holds.
    var content: [UInt8] { JSON.encode(self) + [UInt8(ascii: "\n")] }
}
