public import ConfigurationFile
public import Logging
public import NetworkAddress
public import ServiceLifecycle
internal import Synchronization

/// Judges the services on this host and tells whoever asks: over HTTP for directors, on a Unix socket for operators.
///
/// It knows nothing of how the host is set up, nor how connections are counted: both are told to it.
public final class HealthReporter: Service {
    /// Who speaks in a report.
    public struct Identity: Sendable, Equatable {
        /// The program and its version: `rsagent 0.1.0`.
        public var agent: String
        /// The host's name.
        public var host: String
        /// The host's boot ID (`/proc/sys/kernel/random/boot_id`).
        public var boot: String

        /// Creates an identity.
        public init(agent: String, host: String, boot: String) {
            self.agent = agent
            self.host = host
            self.boot = boot
        }
    }

    /// How often connections are counted for the report.
    static let sampleInterval = Duration.seconds(1)
    /// How long a stopping agent waits for directors to take notice, if it is to wait as long for open connections: as a
    /// director needs that asks every few seconds and says nothing itself (`DirectorLedger`).
    static let longestFarewell = Duration.seconds(15)
    /// How long it does so however short its time is.
    static let shortestFarewell = Duration.seconds(2)
    /// How long a stopping agent waits for the disk to take what the next run is to know.
    static let longestRecording = Duration.seconds(1)
    /// After which time without a question a director is silent, unless it asks more seldom than three times in it.
    public static let silence = Duration.seconds(10)

    let store: ReportStore
    let connections: ConnectionCounter
    let listenerWatch: ListenerWatch?
    let listen: [SocketAddress]
    /// Where HAProxy's agent-check of a service is answered.
    let agentChecks: [(service: String, address: SocketAddress)]
    let gate: Gate
    /// Which directors are joined. Each can poll one of `listen`.
    let joins: [AgentConfiguration.Join]
    /// `real_port` by the names of the services that have one.
    let realPorts: [String: UInt16]
    let controlPath: String
    let stopTimeout: Duration
    let logger: Logger
    /// Whether who asked for the stop has had enough of waiting.
    let isHurried = Atomic(false)
    let listening = Listening()

    /// Reads what survived the last run and takes everything in, without listening or checking anything yet.
    ///
    /// - Parameters:
    ///   - configuration: The services, the directors, and the folders. `stateDirectory` is created where it is missing.
    ///   - listen: Where the report is served over TCP; port 0 lets the kernel pick one.
    ///   - ownAddresses: This host's own addresses as directors know it, the main one of each family first: where the packets
    ///     of a service end whose director translates addresses (`forward = "nat"`). No VIPs.
    ///   - identity: Who speaks.
    ///   - silence: After which time without a question a director is silent, at least; one that asks more seldom is silent
    ///     after three of its own intervals, and one whose poll is held is not.
    ///   - onDirectors: Called with the configured directors in order of preference, those that are silent last, whenever that
    ///     order changes; at first it is the configuration's, and where all are silent too. Called one after the other, and
    ///     must not block.
    ///   - countConnections: How many connections clients hold open now to each of these addresses and ports. It is called
    ///     about once a second for all services, on a thread that may block. The agent's own checks, which come from these
    ///     addresses themselves, are better left out: they would keep a drain from ending.
    ///   - drainTools: What a drain needs beside the count; nil: who still sends is not looked for, and nothing can be cut.
    ///   - listeners: Whether a connection to each of these addresses of this host would find a listener now, nil where that
    ///     cannot be told; asked many times a second, so that a service that has died is noticed between two checks. Nil:
    ///     only checks tell.
    ///   - logger: Where changes of state and requests to change it are logged.
    /// - Throws: `ReporterError` where the state of the last run cannot be read or written, a check cannot be asked, or a file
    ///   with a token or a certificate cannot be used.
    public init(
        configuration: AgentConfiguration, listen: [SocketAddress], ownAddresses: [IPAddress] = [],
        identity: Identity, silence: Duration = HealthReporter.silence,
        onDirectors: (@Sendable ([IPAddress]) -> Void)? = nil,
        countConnections: @escaping @Sendable ([LocalEndpoints]) throws -> [Int], drainTools: DrainTools? = nil,
        listeners: (@Sendable ([SocketAddress]) -> [Bool?])? = nil, logger: Logger
    ) throws(ReporterError) {
        store = try ReportStore(
            configuration: configuration, ownAddresses: ownAddresses, identity: identity, silence: silence,
            onDirectors: onDirectors, logger: logger)
        var counted: [ConnectionCounter.Counted] = []
        for service in configuration.services where service.transport == .tcp {
            let endpoints = try LocalEndpoints(
                of: service, ownAddresses: ownAddresses, directors: configuration.directors)
            counted.append(ConnectionCounter.Counted(name: service.name, endpoints: endpoints))
        }
        connections = ConnectionCounter(
            services: counted, failures: FailureLog(logger), count: countConnections, tools: drainTools)
        listenerWatch = listeners.map(ListenerWatch.init)
        controlPath = ControlClient.socketPath(inRunDirectory: configuration.runDirectory)
        self.listen = listen
        agentChecks = configuration.services.compactMap { service in service.agentCheck.map { (service.name, $0) } }
        gate = try Gate(configuration.reportAdmission, directors: configuration.directors, logger: logger)
        for join in configuration.joins where join.reportPlace(among: listen) == nil {
            throw ReporterError(
                .configuration, operation: "join \(join.url)",
                cause: "it could not poll this server: the report is served on "
                    + listen.map(\.description).joined(separator: ", "),
                cure: "add an address to `listen` under [report] that it reaches")
        }
        joins = configuration.joins
        realPorts = configuration.services.reduce(into: [:]) { $0[$1.name] = $1.realPort }
        stopTimeout = configuration.stopTimeout
        self.logger = logger
    }

    /// Tells what the latest audit of the host found, by the service's name; a service that is not named has nothing. Before
    /// the first call every service is down, "setup not yet verified".
    ///
    /// - Parameters:
    ///   - setupProblems: What takes a service down.
    ///   - warnings: What does not, and an operator should see all the same.
    public func report(setupProblems: [String: [String]], warnings: [String: [String]] = [:]) async {
        await store.record(setupProblems: setupProblems, warnings: warnings)
        await leaveEventLoop()
    }

    /// Cuts the waiting of a stop short that is under way or still to come: what is open then is not waited for. Any thread
    /// may call it.
    public func hurry() {
        isHurried.store(true, ordering: .relaxed)
    }

    /// Waits until every endpoint and the control socket listen.
    ///
    /// - Returns: the TCP addresses, in the order of `listen`, with the ports the kernel picked.
    /// - Throws: what `run` failed with before that.
    public func waitUntilListening() async throws -> [SocketAddress] {
        let addresses = try await listening.wait()
        await leaveEventLoop()
        return addresses
    }

    /// Lets the caller go on on a thread of its own. What comes after an actor's answer may run where the answer was given,
    /// and the caller may be one that blocks: nobody else would be answered meanwhile.
    private func leaveEventLoop() async { await Task.yield() }
}
