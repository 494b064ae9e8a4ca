import ArgumentParser
import ConfigurationFile

struct Config: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Validate the configuration file, or print an example.", subcommands: [Check.self, Example.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Validate the file: every problem with its line, key and cure. Touches nothing.")

        @OptionGroup var configuration: ConfigurationOptions

        func run() throws {
            let services = try configuration.load().services
            print("\(configuration.path): valid, \(services.count == 1 ? "1 service" : "\(services.count) services")")
        }
    }

    struct Example: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print a commented example.")

        func run() {
            print(AgentConfiguration.example, terminator: "")
        }
    }
}
