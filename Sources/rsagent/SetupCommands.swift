import ArgumentParser
import RealServerSetup

struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Show what apply would change on this host and why; change nothing.",
        discussion: "Exit status: 0 nothing to do, 2 changes pending, 1 something stands in the way.")

    @OptionGroup var configuration: ConfigurationOptions

    func run() throws {
        let plan = try configuration.loadForSetup().setup.plan()
        if !Capability.hasNetworkAdministration {
            complain(
                "packet filters were not looked at, which needs CAP_NET_ADMIN: what is on record is taken to be in force"
            )
        }
        for step in plan.steps { print("\(step.change)\n    # \(step.reason)") }
        for refusal in plan.refusals { complain("refused: \(refusal)") }
        if !plan.refusals.isEmpty { throw ExitCode(1) }
        if !plan.steps.isEmpty { throw ExitCode(2) }
        print("nothing to do: this host is fit for its VIPs")
    }
}

struct Apply: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make the changes once and verify them by reading back.",
        discussion: "Exit status: 0, or 1 where it failed and everything was undone.")

    @OptionGroup var configuration: ConfigurationOptions

    func run() throws {
        let setup = try configuration.loadForSetup().setup
        try Capability.requireNetworkAdministration()
        let claim = try NamespaceClaim()
        Interruption.ignore()
        let steps = try withExtendedLifetime(claim) { try setup.apply() }
        for step in steps { print(step.change) }
        print(steps.isEmpty ? "nothing to do: this host is fit for its VIPs" : "applied and verified")
    }
}

struct TeardownCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "teardown", abstract: "Put back what was there before, and verify.",
        discussion: "Exit status: 0, or 1 where something could not be put back; the journal is kept then.")

    @OptionGroup var configuration: ConfigurationOptions

    @Option(
        name: .customLong("run-dir"),
        help: ArgumentHelp(
            "Where the record is, instead of the configuration's run_dir: no configuration is read.",
            valueName: "folder"))
    var runDirectory: String?

    func run() throws {
        let setup = try setup()
        try Capability.requireNetworkAdministration()
        let claim = try NamespaceClaim()
        Interruption.ignore()
        let teardown = try withExtendedLifetime(claim) { try setup.teardown() }
        for change in teardown.changes { print(change) }
        for left in teardown.left { complain("left alone: \(left)") }
        print(teardown.changes.isEmpty ? "nothing to put back" : "put back and verified")
    }

    private func setup() throws -> RealServerSetup {
        if let runDirectory { return RealServerSetup(.nothing, runDirectory: runDirectory) }
        do {
            return try configuration.load().setup
        } catch {
            complain(
                "what is to be put back is on record, whatever the configuration says: name its run_dir by --run-dir")
            throw error
        }
    }
}
