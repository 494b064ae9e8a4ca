import ArgumentParser
import ConfigurationFile
import Director

/// `rsdirector status`
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "What the running director does, laid out as `ipvsadm -Ln` is.")

    @OptionGroup var file: FileOption

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let status = try await StatusClient(runDirectory: file.load().runDirectory).status()
        print(json ? String(decoding: status.json(pretty: true), as: UTF8.self) : status.text, terminator: "")
    }
}
