import ArgumentParser
import FoundationEssentials
import Glibc
import NetworkAddress
import RealServerSetup

/// `rsagent doctor`.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Why does this host not get or answer its VIPs' packets? Each finding with its cause and its cure.",
        discussion: """
            Exit status: 0 sound, 1 problems. Works without the agent. Sends, for each VIP, a packet as the director would, from a \
            network namespace of its own, and asks the segment who else answers; leaves nothing behind. Run as root it sees most.
            """)

    @OptionGroup var configuration: ConfigurationOptions

    @Option(
        help: ArgumentHelp(
            "A client's address, to look at the way back to it; may be given more than once.", valueName: "address"))
    var client: [String] = []

    @Flag(name: .customLong("no-probe"), help: "Only read; send nothing.")
    var isSilent = false

    @Flag(help: "The findings as JSON.")
    var json = false

    private func clients() throws -> [IPAddress] {
        try client.map { text in
            guard let address = IPAddress(text), address.isHost else {
                throw ValidationError("--client \(text): write the address of a client, as 198.51.100.1")
            }
            return address
        }
    }

    func validate() throws { _ = try clients() }

    func run() throws {
        let setup = try configuration.load().setup
        let diagnosis = try Doctor(setup, clients: try clients(), isProbing: !isSilent).examine()
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(["findings": diagnosis.findings]), as: UTF8.self))
        } else {
            let isColoured = isatty(1) == 1 && getenv("NO_COLOR") == nil
            print(DiagnosisText(diagnosis, isColoured: isColoured).text, terminator: "")
        }
        if !diagnosis.isSound { throw ExitCode(1) }
    }
}
