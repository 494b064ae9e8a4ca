import ArgumentParser
import ConfigurationFile
import Director
import Logging
import ServiceLifecycle
import UnixSignals

/// `rsdirector run`
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run the director in the foreground, until SIGTERM or SIGINT.",
        discussion: "SIGHUP: read the configuration again, as `rsdirector reload` does.")

    @OptionGroup var file: FileOption

    func run() async throws {
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        let logger = Logger(label: "rsdirector")
        let path = file.path
        let director = Director(try file.load(), program: Rsdirector.program, logger: logger) {
            () throws(ConfigurationError) in try DirectorConfiguration.load(path: path)
        }
        var quiet = logger
        quiet.logLevel = .error
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(
                        service: director, successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .cancelGroup)
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet))
        try await group.run()
    }
}
