import ArgumentParser
import ConfigurationFile

/// `rsdirector config`
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check the configuration, or print an example.",
        subcommands: [Check.self, Example.self])

    /// `rsdirector config check`
    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Check the file. Nothing else is touched.")

        @OptionGroup var file: FileOption

        func run() throws {
            _ = try file.load()
            print("\(file.path) is valid")
        }
    }

    /// `rsdirector config example`
    struct Example: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print a commented example.")

        func run() {
            print(DirectorConfiguration.example, terminator: "")
        }
    }
}
