import ArgumentParser
import ConfigurationFile
import FoundationEssentials
import Glibc
import HealthReporter
import UnixSignals

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Services, state, weight, connections, checks, and when each director last polled.",
        discussion: "Exit status: 0, or 1 where not all services are up. With --watch: 0 when interrupted.")

    @OptionGroup var control: ControlOptions

    @Flag(help: "The report as JSON, as directors read it.")
    var json = false

    @Flag(
        help: "Go on until interrupted: drawn again on each change. Not on a terminal, or as JSON, one after the other."
    )
    var watch = false

    func run() async throws {
        let client = try control.client()
        guard !watch else { return try await watch(client) }
        let report = try await client.report()
        if json {
            print(String(decoding: report.json(), as: UTF8.self))
        } else {
            let isColoured = isatty(1) == 1 && getenv("NO_COLOR") == nil
            let table = StatusTable(report: report, control: try await client.directors(), isColoured: isColoured)
            print(table.text, terminator: "")
        }
        if report.services.contains(where: { $0.state != .up }) { throw ExitCode(1) }
    }

    private func watch(_ client: ControlClient) async throws {
        let isTerminal = isatty(1) == 1 && !json
        let style: StatusWatch.Style =
            isTerminal
            ? .screen(isColoured: getenv("NO_COLOR") == nil, rows: { Terminal.rows }) : json ? .json : .tables
        let watch = StatusWatch(client, style: style) { Terminal.write($0) }
        // Trapped before the first byte is written: the terminal is put back however it is interrupted.
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await watch.run() }
            group.addTask { for await _ in signals { return } }
            try await group.next()
            group.cancelAll()
        }
    }
}

/// Standard output as a terminal.
private enum Terminal {
    /// How many rows it has, now; 24 where it does not tell. Equivalent to: `tput lines`.
    static var rows: Int {
        var size = winsize()
        guard ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0 else { return 24 }
        return Int(size.ws_row)
    }

    /// Writes at once, and all of it.
    static func write(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

struct Drain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask for no new connections; serve what is open. Survives a restart, until undrain.",
        discussion: """
            Exit status: 0 asked for and on record; with --wait: 0 every director knows and the last connection is closed, \
            3 timeout, 4 no director acknowledged within 30 s, also where the agent has died, 5 undrained meanwhile. \
            1 refused, or the agent cannot be asked: nothing has changed, unless the wait had begun. 64 a mistake on the \
            command line. 130 interrupted (SIGINT, SIGTERM): the drain stays in force.

            UDP has no connections to count: its drain is over when every director knows and drain_settle has passed.
            """)

    @Argument(help: "The services; none: all of them.")
    var services: [String] = []

    @Flag(help: "Wait until every configured director knows and the last connection is closed.")
    var wait = false

    @Option(help: ArgumentHelp("How long to wait: 90s, 5m, 1h.", valueName: "time"))
    var timeout: TimeArgument = TimeArgument(duration: .seconds(300))

    @Option(help: ArgumentHelp("Why, for the report.", valueName: "text"))
    var reason = ""

    @Option(help: ArgumentHelp("End the drain by itself after this time, in whole seconds or more.", valueName: "time"))
    var ttl: TimeArgument?

    @Flag(help: "With --wait: when the time is up, end what is still open; --timeout 0s: at once.")
    var force = false

    @OptionGroup var control: ControlOptions

    func validate() throws {
        if force, !wait {
            throw ValidationError("--force ends what is still open when the wait is over: give --wait too")
        }
        if let ttl, ttl.duration.components.seconds < 1 || ttl.duration.components.attoseconds != 0 {
            throw ValidationError("--ttl is counted in whole seconds, at least one: 90s, 5m, 1h")
        }
    }

    func run() async throws {
        let client = try control.client()
        let answer = try await client.drain(services, reason: reason, ttl: ttl?.duration)
        guard wait else {
            for service in answer.administered { print("\(service.name): draining, generation \(service.generation)") }
            return
        }
        let display = DrainDisplay()
        let wait = DrainWait(for: answer, timeout: timeout.duration, isForced: force)
        let result = try await interruptible {
            try await wait.run(with: client) { display.show($0, after: $1, alarms: $2) }
        }
        guard let result else {
            display.end()
            complain("interrupted: \(wait.services.joined(separator: ", ")) stays drained, until `rsagent undrain`")
            throw ExitCode(128 + SIGINT)
        }
        if result.cut > 0 { tell("ended by force: \(result.cut == 1 ? "1 connection" : "\(result.cut) connections")") }
        if result.outcome != .drained { throw ExitCode(result.outcome.rawValue) }
    }
}

struct Undrain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Give services back to their checks, after drain or maint.")

    @Argument(help: "The services; none: all of them.")
    var services: [String] = []

    @OptionGroup var control: ControlOptions

    func run() async throws {
        let client = try control.client()
        _ = try await client.undrain(services)
        for service in try await client.report().services where services.isEmpty || services.contains(service.name) {
            print("\(service.name): \(service.state.rawValue)")
        }
    }
}

struct Maint: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Take services down by hand until undrain.")

    @Argument(help: "The services; none: all of them.")
    var services: [String] = []

    @Option(help: ArgumentHelp("Why, for the report.", valueName: "text"))
    var reason = ""

    @OptionGroup var control: ControlOptions

    func run() async throws {
        let answer = try await control.client().maint(services, reason: reason)
        for service in answer.administered { print("\(service.name): \(service.mode.rawValue)") }
    }
}

struct Weight: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Set the weight of a service by hand, or give it back to its load rules.",
        discussion: """
            A weight set by hand is reported as it is while the service is up, whatever the load, without a slow start. It \
            survives a restart, until `rsagent weight SERVICE auto`.
            """)

    @Argument(help: "The service.")
    var service: String

    @Argument(help: ArgumentHelp("0 to 65535, 0 asking for no new connections; or auto.", valueName: "weight"))
    var weight: WeightArgument

    @OptionGroup var control: ControlOptions

    func run() async throws {
        let client = try control.client()
        _ = try await client.weight(service, weight.value)
        let reported = try await client.service(service)
        let byHand = weight.value.map { "weight \($0) by hand" } ?? "weight by its load rules"
        print("\(service): \(byHand); it is \(reported.state.rawValue) and reports \(reported.weight)")
    }
}

/// A weight on the command line: a number, or `auto`.
struct WeightArgument: ExpressibleByArgument {
    /// Nil: `auto`.
    let value: Int?

    init?(argument: String) {
        if argument == "auto" {
            value = nil
        } else if let number = Int(argument), WeightByHand.range.contains(number) {
            value = number
        } else {
            return nil
        }
    }
}

/// A time on the command line: `500ms`, `30s`, `5m`, `1h`.
struct TimeArgument: ExpressibleByArgument {
    let duration: Duration

    init(duration: Duration) { self.duration = duration }

    init?(argument: String) {
        guard let duration = DurationText.duration(from: argument) else { return nil }
        self.duration = duration
    }

    var defaultValueDescription: String { DurationText.text(for: duration) }
}
