import ConfigurationFile
import HealthReporter
import NetworkAddress

/// Puts what the keeper and the sentinel found together, by service, for the reporter.
actor SetupFindings {
    private let services: [AgentConfiguration.Service]
    private let reporter: HealthReporter
    /// Nil: nobody has looked yet, and what the sentinel sees does not make up for it.
    private var setup: [String: [String]]?
    private var problems: [IPAddress: [String]] = [:]
    private var warnings: [IPAddress: [String]] = [:]
    private var isReporting = false
    private var hasNews = false

    init(services: [AgentConfiguration.Service], reporter: HealthReporter) {
        (self.services, self.reporter) = (services, reporter)
    }

    /// Takes in what the keeper found, by service.
    func receive(setup: [String: [String]]) async {
        self.setup = setup
        await report()
    }

    /// Takes in what the sentinel saw, by VIP.
    func receive(problems: [IPAddress: [String]], warnings: [IPAddress: [String]]) async {
        (self.problems, self.warnings) = (problems, warnings)
        await report()
    }

    /// One report at a time: of two on their way the older one could come in last.
    private func report() async {
        hasNews = setup != nil
        guard !isReporting else { return }
        isReporting = true
        defer { isReporting = false }
        while hasNews {
            hasNews = false
            await reporter.report(
                setupProblems: byService { (setup?[$0.name] ?? []) + $0.heldVIPs.flatMap { problems[$0] ?? [] } },
                warnings: byService { $0.heldVIPs.flatMap { warnings[$0] ?? [] } })
        }
    }

    private func byService(_ texts: (AgentConfiguration.Service) -> [String]) -> [String: [String]] {
        Dictionary(uniqueKeysWithValues: services.map { ($0.name, texts($0)) })
    }
}

extension AgentConfiguration.Service {
    /// The VIPs that this host holds for it: with NAT the director has them.
    var heldVIPs: [IPAddress] { forward == .nat ? [] : vips }
}
