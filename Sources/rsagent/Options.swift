import ArgumentParser
import ConfigurationFile
import Glibc
import HealthReporter
import Netlink
import NetworkAddress
import RealServerSetup

/// `--config FILE`.
struct ConfigurationOptions: ParsableArguments {
    @Option(name: .customLong("config"), help: ArgumentHelp("The configuration file.", valueName: "file"))
    var path = "/etc/rsagent/rsagent.toml"

    func load() throws -> AgentConfiguration { try AgentConfiguration.load(path: path) }

    /// The configuration for setting this host up: its interface must be there. Not asked by those who only put back or talk
    /// to the agent, for an interface may have gone since.
    func loadForSetup() throws -> AgentConfiguration {
        let configuration = try load()
        guard let name = configuration.interface, try !Network().links().contains(where: { $0.name == name }) else {
            return configuration
        }
        throw ValidationFailure(
            description:
                "\(path): interface: there is no interface \(name) on this host; nothing was touched; write one that "
                + "`ip link` shows, or leave the key out")
    }
}

/// `--config FILE` and `--socket PATH`, for the commands that talk to the running agent.
struct ControlOptions: ParsableArguments {
    @OptionGroup var configuration: ConfigurationOptions

    @Option(
        help: ArgumentHelp(
            "The agent's control socket, instead of the one in the configuration's run_dir.", valueName: "path"))
    var socket: String?

    func client() throws -> ControlClient {
        if let socket { return ControlClient(socket: socket) }
        return ControlClient(socket: ControlClient.socketPath(inRunDirectory: try configuration.load().runDirectory))
    }
}

/// A configuration that is valid and does not fit this host.
struct ValidationFailure: Error, CustomStringConvertible {
    let description: String
}

extension AgentConfiguration {
    /// What this configuration asks of the host.
    var setupRequest: SetupRequest { SetupRequest(self) }

    var setup: RealServerSetup { RealServerSetup(setupRequest, runDirectory: runDirectory) }
}

/// Writes one line to standard error.
func complain(_ line: String) { write(line, to: 2) }

/// Writes one line to standard output at once, also where that is a file or a pipe: for what is watched while it goes on.
func tell(_ line: String) { write(line, to: 1) }

private func write(_ line: String, to descriptor: Int32) {
    let bytes = Array("\(line)\n".utf8)
    _ = Glibc.write(descriptor, bytes, bytes.count)
}
