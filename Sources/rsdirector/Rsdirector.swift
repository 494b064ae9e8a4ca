import ArgumentParser

/// The command line of the director.
@main
struct Rsdirector: AsyncParsableCommand {
    /// The program and its version.
    static let program = "rsdirector 0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "rsdirector",
        abstract: "Directs clients of virtual addresses to real servers, in user space.",
        version: program,
        subcommands: [
            RunCommand.self, StatusCommand.self, ServerCommand.self, DrainCommand.self, UndrainCommand.self,
            ReloadCommand.self, ReplayCommand.self, ConfigCommand.self,
        ])
}
