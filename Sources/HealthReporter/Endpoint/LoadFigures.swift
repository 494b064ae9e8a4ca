/// How busy the host is, as of the latest measurement; nil: not measured.
struct LoadFigures: Sendable, Equatable {
    /// The share of CPU time that is used: 0 to 1, and above 1 where more is wanted than there is.
    var cpu: Double?
    /// The share of memory that is used: 0 to 1.
    var memory: Double?
    /// How busy the service says it is: 1 is as much as it should take, and it may be more.
    var application: Double?
}

extension LoadFigures {
    /// The forms of ORCA's header that are spoken (Open Request Cost Aggregation; Envoy, source/common/orca/orca_parser.h).
    enum ORCAFormat: String {
        /// `TEXT cpu_utilization=0.3, mem_utilization=0.8`.
        case text
        /// `JSON {"cpu_utilization":0.3,"mem_utilization":0.8}`.
        case json
    }

    /// The value of `endpoint-load-metrics`, with the names of xds.data.orca.v3.OrcaLoadReport; nil where nothing is known.
    func orca(_ format: ORCAFormat) -> String? {
        let known: [(name: String, value: Double)] = [
            ("cpu_utilization", cpu), ("mem_utilization", memory), ("application_utilization", application),
        ].compactMap { name, value in
            // What is below 0 or no number is refused whole by whoever reads it.
            guard let value, value.isFinite, value >= 0 else { return nil }
            return (name, (value * 10_000).rounded() / 10_000)
        }
        guard !known.isEmpty else { return nil }
        return switch format {
        case .text: "TEXT " + known.map { "\($0.name)=\($0.value)" }.joined(separator: ", ")
        case .json: "JSON {" + known.map { "\"\($0.name)\":\($0.value)" }.joined(separator: ",") + "}"
        }
    }
}

extension ReportStore {
    /// For how long after somebody asked the host goes on being measured, where no weight needs it.
    private static let interest = Duration.seconds(60)

    /// The latest measurement, for somebody who asks for it: from now on there is one each second. The first who asks finds
    /// none.
    func loadFigures(at now: ContinuousClock.Instant = .now) -> LoadFigures {
        loadAsked = now
        return load
    }

    /// Whether somebody asks for how busy the host is.
    func isLoadAsked(at now: ContinuousClock.Instant = .now) -> Bool {
        loadAsked.map { now - $0 <= Self.interest } ?? false
    }
}
