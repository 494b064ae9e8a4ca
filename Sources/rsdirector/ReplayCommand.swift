import ArgumentParser
import ConfigurationFile
import Director
import NetworkAddress

/// `rsdirector replay`
struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Show what the director would send, had it received what a capture holds.",
        discussion: """
            Runs the packet path of `rsdirector run` over a capture of one interface, with its times, and writes what leaves \
            into another. For bug reports and tests: it touches nothing else, needs no privilege, and makes the same of the \
            same. Every server is up by its configured weight. What to capture with: `tcpdump -i INTERFACE -w IN`.
            """)

    @OptionGroup var file: FileOption

    @Option(help: ArgumentHelp("Of what is drawn at random.", valueName: "number"))
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("The longest IP packet that the way to the servers takes.", valueName: "bytes"))
    var mtu = 1500

    @Option(help: ArgumentHelp("The director's MAC, if not where most packets for the VIPs go.", valueName: "address"))
    var mac: String?

    @Argument(help: "The capture: classic pcap, Ethernet.")
    var input: String

    @Argument(help: "Where to write what would be sent.")
    var output: String

    func validate() throws {
        guard (576...65_535).contains(mtu) else { throw ValidationError("--mtu is 576 to 65535, not \(mtu)") }
        guard mac.map({ MACAddress($0)?.isUnicast == true }) ?? true else {
            throw ValidationError("--mac is a station's address, as in 02:00:00:00:00:01, not \"\(mac ?? "")\"")
        }
    }

    func run() throws {
        let configuration = try file.load()
        let replay = Replay(configuration, seed: seed, mtu: mtu, mac: mac.flatMap { MACAddress($0) })
        Interruption.note()
        defer { Interruption.obey() }
        print(try replay.run(from: input, to: output) { Interruption.isNoted }.text, terminator: "")
    }
}
