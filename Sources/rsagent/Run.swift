import ArgumentParser
import ConfigurationFile
import Glibc
import HealthReporter
import Logging
import Netlink
import NetworkAddress
import RealServerSetup
import ServiceLifecycle
import UnixSignals

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "The agent, in the foreground: apply, keep, check, report. Stops on SIGTERM or SIGINT and puts the host back."
    )

    @OptionGroup var configuration: ConfigurationOptions

    func run() async throws {
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        let logger = Logger(label: "rsagent")
        let configuration = try configuration.loadForSetup()
        let refusals = try configuration.setup.plan().refusals
        guard refusals.isEmpty else { throw SetupError.refused(refusals) }
        let own = try Network().ownAddresses(interface: configuration.interface, excluding: configuration.vips)
        let listen = try configuration.reportAddresses(own: own?.addresses ?? [])
        try Capability.requireNetworkAdministration()
        let isWatching = configuration.mayWatch(logger: logger)
        let claim = try NamespaceClaim()
        DescriptorLimit.raise()

        let listeners = try ListenerProbe()
        let (orders, order) = AsyncStream.makeStream(of: [IPAddress].self, bufferingPolicy: .bufferingNewest(1))
        let reporter = try HealthReporter(
            configuration: configuration, listen: listen, ownAddresses: own?.addresses ?? [],
            identity: try .ofThisHost(), onDirectors: { order.yield($0) },
            countConnections: { endpoints in
                try SocketDiagnostics.clientConnections(to: Set(endpoints.addresses), ports: Set(endpoints.ports))
            },
            isListening: { try listeners.hasTCPListener($0.address, port: $0.port) }, logger: logger)
        let findings = SetupFindings(services: configuration.services, reporter: reporter)
        // Before the setup: from the first VIP on, what leaks is seen.
        let sentinel = isWatching ? configuration.makeSentinel(telling: findings, logger: logger) : nil
        let keeper = try SetupKeeper(
            configuration.setup, logger: logger,
            onRepair: { steps in
                // What leaked does not any more: else the server would be down for as long as a leak is remembered.
                if steps.contains(where: { $0.topic == .arp }) { sentinel?.settle(configuration.vips) }
            },
            publish: { await findings.receive(setup: $0) })
        // Services stop in reverse order: the reporter says goodbye to the directors first, the VIPs go last.
        var services: [any Service] = [keeper, DirectorFailover(orders: orders, keeper: keeper)]
        if let sentinel { services.append(sentinel) }
        services.append(reporter)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services, gracefulShutdownSignals: [.sigterm, .sigint, .sighup], logger: logger))
        try await group.run()
        withExtendedLifetime(claim) {}
    }
}

/// Takes from the reporter which directors ask, and to the keeper by way of whom answers go back.
struct DirectorFailover: Service {
    let orders: AsyncStream<[IPAddress]>
    let keeper: SetupKeeper

    func run() async {
        for await order in orders.cancelOnGracefulShutdown() { keeper.prefer(order) }
    }
}

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
    fileprivate var heldVIPs: [IPAddress] { forward == .nat ? [] : vips }
}

extension AgentConfiguration {
    /// Every VIP of every service.
    fileprivate var vips: Set<IPAddress> { Set(services.flatMap(\.vips)) }

    /// Where the report is served: as configured, or on the interface's own address, the IPv4 one where it has both.
    fileprivate func reportAddresses(own: [IPAddress]) throws -> [SocketAddress] {
        guard reportListen.isEmpty else { return reportListen }
        guard let address = own.first else { throw NoOwnAddress(interface: interface) }
        return [SocketAddress(address: address, port: Self.defaultReportPort)]
    }

    /// Whether the wire is to be watched and may be. That it may not is logged, and is no reason to leave the host unfit.
    fileprivate func mayWatch(logger: Logger) -> Bool {
        guard isSentinelOn, services.contains(where: { !$0.heldVIPs.isEmpty }) else { return false }
        guard Capability.hasRawPackets else {
            logger.warning(
                """
                the sentinel stays off: it needs CAP_NET_RAW, which this process lacks, and so nobody watches who answers for the \
                VIPs; give it that capability, or write sentinel = false
                """)
            return false
        }
        return true
    }

    /// What watches the wire for answers that name a VIP of this host. Nil where it cannot, which is logged.
    fileprivate func makeSentinel(telling findings: SetupFindings, logger: Logger) -> Sentinel? {
        let (interface, vips) = (interface, vips)
        do throws(SetupError) {
            return try Sentinel(
                vips: Array(Set(services.flatMap(\.heldVIPs))), directors: directors, logger: logger,
                segment: { try? SentinelSegment(facingDirectorsBy: interface, vips: vips) },
                publish: { await findings.receive(problems: $0, warnings: $1) })
        } catch {
            logger.warning("the sentinel stays off: \(error)")
            return nil
        }
    }
}

extension SentinelSegment {
    /// The interface called `name`, or (nil) that of the default route, as it is now. Nil where there is none that speaks
    /// Ethernet. Needs no capability.
    init?(facingDirectorsBy name: String?, vips: Set<IPAddress>) throws(NetlinkError) {
        let network = try Network()
        guard let (link, own) = try network.ownAddresses(interface: name, excluding: vips),
            let mac = link.hardwareAddress, link.isUp, !link.isLoopback
        else { return nil }
        let linkLocal = try network.addresses().first {
            $0.interface == link.index && $0.prefix.address.v6?.isLinkLocal == true && !$0.isTentative
        }
        self.init(
            index: link.index, name: link.name, mac: mac, ipv4: own.lazy.compactMap(\.v4).first,
            ipv6: linkLocal?.prefix.address.v6 ?? own.lazy.compactMap(\.v6).first,
            neighbors: Dictionary(
                try network.neighbors(interface: link.index).compactMap { neighbor in
                    neighbor.hardwareAddress.map { (neighbor.address, $0) }
                }, uniquingKeysWith: { first, _ in first }))
    }
}

/// The report has no address to be served on.
struct NoOwnAddress: Error, CustomStringConvertible {
    let interface: String?

    var description: String {
        let cure = "set listen = [\"ADDRESS:9380\"] under [report]"
        return if let interface {
            "interface = \"\(interface)\": there is no such interface, or no address of its own on it; nothing was touched; "
                + "name the one that faces the director, or \(cure)"
        } else {
            "this host has no default route with an address on its interface; nothing was touched; set interface = \"NAME\", the one "
                + "that faces the director, or \(cure)"
        }
    }
}

extension HealthReporter.Identity {
    /// The name of this host and its boot.
    static func ofThisHost() throws -> Self {
        var names = utsname()
        uname(&names)
        let host = withUnsafeBytes(of: &names.nodename) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return Self(agent: RSAgent.version, host: host, boot: try Boot.identifier())
    }
}
