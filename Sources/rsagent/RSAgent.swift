import ArgumentParser

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
            Maint.self, Weight.self, DoctorCommand.self,
            Config.self,
        ])
}
