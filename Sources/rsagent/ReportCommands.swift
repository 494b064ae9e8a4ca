import ArgumentParser
import ConfigurationFile
import FoundationEssentials
import Glibc
import HealthReporter

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Services, state, weight, connections, checks, and when each director last polled.",
        discussion: "Exit status: 0, or 1 where not all services are up.")

    @OptionGroup var control: ControlOptions

    @Flag(help: "The report as JSON, as directors read it.")
    var json = false

    func run() async throws {
        let client = try control.client()
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
}

struct Drain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask for no new connections; serve what is open. Survives a restart, until undrain.",
        discussion: """
            Exit status with --wait: 0 the last connection is closed, 3 timeout, 4 no director acknowledged, \
            5 undrained meanwhile. Interrupting the wait leaves the drain in force.
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
