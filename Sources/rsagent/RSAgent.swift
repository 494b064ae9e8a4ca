import ArgumentParser
import Glibc
import HealthReporter

/// The command line of the agent.
@main
struct RSAgent: AsyncParsableCommand {
    static let version = "rsagent 0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "rsagent",
        abstract: "Makes a real server fit for its VIPs, judges its services, and tells directors.",
        version: version,
        subcommands: [
            Run.self, PlanCommand.self, Apply.self, TeardownCommand.self, Status.self, Drain.self, Undrain.self,
            Maint.self, Weight.self, Check.self, DoctorCommand.self, Config.self,
        ])

    static func main() async {
        // What runs a check takes its exit status for a weight, that of a mistake (64) as well: all else must be a failure.
        guard CommandLine.arguments.dropFirst().first == Check._commandName else { return await main(nil) }
        Check.limitTime()
        do {
            var command = try parseAsRoot()
            if let check = command as? Check { try await check.run() } else { try command.run() }
        } catch {
            let status = exitCode(for: error)
            if status.rawValue != EX_USAGE { exit(withError: error) }
            complain(fullMessage(for: error))
            exit(withError: ExitCode(DirectorCheck.failure))
        }
    }
}
