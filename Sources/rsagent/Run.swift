import ArgumentParser
import ConfigurationFile
import Glibc
import HealthReporter
import Logging
import Netlink
import NetworkAddress
import RealServerSetup
import ServiceLifecycle

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "The agent, in the foreground: apply, keep, check, report. Stops on SIGTERM or SIGINT and puts the host back.",
        discussion: """
            A stop drains first: directors that still ask get time to take notice, open connections get stop_timeout to end. \
            A second SIGTERM or SIGINT cuts that short; the host is put back all the same.
            """
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
        Footprint.limit()

        let listeners = try ListenerProbe()
        let (orders, order) = AsyncStream.makeStream(of: [IPAddress].self, bufferingPolicy: .bufferingNewest(1))
        let reporter = try HealthReporter(
            configuration: configuration, listen: listen, ownAddresses: own?.addresses ?? [],
            identity: try .ofThisHost(), onDirectors: { order.yield($0) },
            countConnections: { endpoints in
                try SocketDiagnostics.clientConnections(
                    to: endpoints.map(\.localEnds))
            },
            drainTools: configuration.drainTools,
            listeners: { places in
                listeners.listeners(at: places.map { .init(address: $0.address, port: $0.port) }).map { try? $0.get() }
            },
            logger: logger)
        let findings = SetupFindings(services: configuration.services, reporter: reporter)
        // Before the setup: from the first VIP on, what leaks is seen.
        let sentinel = isWatching ? configuration.makeSentinel(telling: findings, logger: logger) : nil
        Interruption.remember()
        let keeper = try SetupKeeper(
            configuration.setup, logger: logger,
            onRepair: { steps in
                // What leaked does not any more: else the server would be down for as long as a leak is remembered.
                if steps.contains(where: { $0.topic == .arp }) { sentinel?.settle(configuration.vips) }
            },
            publish: { await findings.receive(setup: $0) })
        let signals = StopSignals(hurry: { reporter.hurry() })
        // Services stop in reverse order: the reporter says goodbye to the directors first, the VIPs go last.
        var services: [any Service] = [signals, keeper, DirectorFailover(orders: orders, keeper: keeper)]
        if let sentinel { services.append(sentinel) }
        services.append(reporter)
        let early = ServiceGroupConfiguration.ServiceConfiguration(
            service: signals.firstSignal, successTerminationBehavior: .gracefullyShutdownGroup)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services.map { .init(service: $0) } + [early], logger: logger))
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

extension AgentConfiguration {
    /// Every VIP of every service.
    var vips: Set<IPAddress> { Set(services.flatMap(\.vips)) }

    /// Where the report is served: as configured, or on the interface's own address, the IPv4 one where it has both.
    fileprivate func reportAddresses(own: [IPAddress]) throws -> [SocketAddress] {
        guard reportListen.isEmpty else { return reportListen }
        guard let address = own.first else { throw NoOwnAddress(interface: interface) }
        return [SocketAddress(address: address, port: Self.defaultReportPort)]
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
