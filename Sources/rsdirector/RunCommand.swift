import ArgumentParser
import Director
import Logging
import ServiceLifecycle
import UnixSignals

/// `rsdirector run`
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run the director in the foreground, until SIGTERM or SIGINT.")

    @OptionGroup var file: FileOption

    func run() async throws {
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        let logger = Logger(label: "rsdirector")
        let director = Director(try file.load(), program: Rsdirector.program, logger: logger)
        var quiet = logger
        quiet.logLevel = .error
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(
                        service: director, successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .cancelGroup)
                ],
                gracefulShutdownSignals: [.sigterm, .sigint, .sighup], logger: quiet))
        try await group.run()
    }
}
