import ArgumentParser
import ConfigurationFile
import Director
import NetworkAddress

/// `rsdirector server`
struct ServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server", abstract: "Change a service's servers while the director runs.",
        discussion: """
            In force once the command returns, and until a restart or a reload: then the file decides. No connection to \
            another server is touched.
            """,
        subcommands: [Add.self, Set.self, Remove.self])

    /// `rsdirector server add`
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a server to a service.",
            discussion: "Its agent is asked as [agent] says, and the server gets connections once that reports it up.")

        @OptionGroup var file: FileOption
        @OptionGroup var server: ServerArguments

        @Option(help: ArgumentHelp("The weight, 0 to 65535; 1 if left out.", valueName: "number"))
        var weight: Int?

        @Option(help: ArgumentHelp("With NAT: the port on the server, if not the VIP's.", valueName: "number"))
        var port: UInt16?

        @Flag(help: "It has no agent: the weight, and the service's checks, rule.")
        var noAgent = false

        func run() async throws {
            try await file.perform(.add, server.request(weight: weight, port: port, agent: noAgent ? false : nil))
        }
    }

    /// `rsdirector server set`
    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Change a server's weight or port.")

        @OptionGroup var file: FileOption
        @OptionGroup var server: ServerArguments

        @Option(
            help: ArgumentHelp(
                "The weight, 0 to 65535; with an agent it multiplies what that asks for.", valueName: "number"))
        var weight: Int?

        @Option(
            help: ArgumentHelp(
                "With NAT: the port on the server. Its connections count as a removed one's.", valueName: "number"))
        var port: UInt16?

        func run() async throws {
            try await file.perform(.set, server.request(weight: weight, port: port))
        }
    }

    /// `rsdirector server remove`
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a server from a service, with the connections it has.",
            discussion: "`rsdirector drain` lets them end first. What becomes of them is `removed_connections`.")

        @OptionGroup var file: FileOption
        @OptionGroup var server: ServerArguments

        func run() async throws {
            try await file.perform(.remove, server.request())
        }
    }
}

/// `rsdirector drain`
struct DrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain", abstract: "Give a server no new connections; those it has go on.",
        discussion: """
            In force until undrain or a restart, a reload included. `rsagent drain` on the server itself does it at every \
            director, and waits for the last connection.
            """)

    @OptionGroup var file: FileOption
    @OptionGroup var server: ServerArguments

    func run() async throws {
        try await file.perform(.drain, server.request())
    }
}

/// `rsdirector undrain`
struct UndrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "undrain", abstract: "End a server's drain.")

    @OptionGroup var file: FileOption
    @OptionGroup var server: ServerArguments

    func run() async throws {
        try await file.perform(.undrain, server.request())
    }
}

/// Which server of which service.
struct ServerArguments: ParsableArguments {
    @Argument(help: "The service's name.")
    var service: String

    @Argument(help: "The server's own address (RIP).")
    var address: String

    func request(weight: Int? = nil, port: UInt16? = nil, agent: Bool? = nil) throws -> ServerRequest {
        guard let address = IPAddress(address) else {
            throw ValidationError("\"\(address)\" is not an IP address (names are not looked up)")
        }
        return ServerRequest(service: service, address: address, weight: weight, port: port, agent: agent)
    }
}

extension FileOption {
    /// Has the director do it, and prints what is different now.
    fileprivate func perform(_ deed: ControlClient.Deed, _ request: ServerRequest) async throws {
        let answer = try await ControlClient(runDirectory: load().runDirectory).perform(deed, request)
        print(answer.changes.isEmpty ? "nothing changed" : answer.changes.joined(separator: "\n"))
    }
}
