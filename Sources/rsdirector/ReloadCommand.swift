import ArgumentParser
import ConfigurationFile
import Director

/// `rsdirector reload`
struct ReloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload", abstract: "Have the running director read its configuration again.",
        discussion: """
            Services and servers come and go; what did not change loses no connection. The file decides: servers added, \
            removed or set by hand are what it says again; drained ones stay drained. With a file that is wrong nothing \
            changes, and the exit status is 1. SIGHUP does the same.
            """)

    @OptionGroup var file: FileOption

    func run() async throws {
        // Also its mistakes are told here, where they can be read best.
        let answer = try await ControlClient(runDirectory: file.load().runDirectory).reload()
        print(answer.changes.isEmpty ? "nothing changed" : answer.changes.joined(separator: "\n"))
        for line in answer.needsRestart { print(line) }
    }
}
