public import NetworkAddress

/// One host of a lab.
public struct LabHost: Sendable {
    /// What it is called in the lab: `rs1`.
    public let name: String
    /// Its network namespace.
    public let namespace: String
    /// Its own address on the wire.
    public let address: IPv4Address
    /// The MAC of its `eth0`.
    public let mac: MACAddress
    /// Where its files are.
    public let directory: String

    init(name: String, lab: String, address: IPv4Address, directory: String) {
        self.name = name
        namespace = "\(lab)-\(name)"
        self.address = address
        mac = MACAddress(rawValue: 0x0200_0000_0000 | UInt64(address.rawValue & 0xFF))
        self.directory = "\(directory)/\(name)"
    }

    private func inNamespace(_ arguments: [String]) -> [String] {
        ["ip", "netns", "exec", namespace] + arguments
    }

    /// Runs a program on this host to its end.
    public func run(_ arguments: [String]) async throws -> Command {
        try await Command.run(inNamespace(arguments))
    }

    /// Runs a line of words on this host, and throws where its status is not 0.
    @discardableResult
    public func require(_ line: String) async throws -> Command {
        let command = try await run(line.split(separator: " ").map(String.init))
        guard command.status == 0 else { throw LabError("\(name): \(line): exit \(command.status): \(command.text)") }
        return command
    }

    /// Sets a sysctl of this host: `net.ipv4.conf.eth0.arp_ignore=1`.
    public func set(_ assignment: String) async throws {
        let parts = assignment.split(separator: "=")
        let command = try await run(["sh", "-c", "echo \(parts[1]) >\(Sysctl.path(parts[0]))"])
        guard command.status == 0 else { throw LabError("\(name): \(assignment): \(command.text)") }
    }

    /// Starts a program on this host. Its output goes to `LOG.log` among the host's files.
    public func start(_ arguments: [String], log: String) async throws -> LabProcess {
        try await makeDirectory()
        return try LabProcess(inNamespace(arguments), log: "\(directory)/\(log).log")
    }

    /// Writes one of the host's files; returns its path.
    @discardableResult
    public func write(_ text: String, to file: String) async throws -> String {
        try await makeDirectory()
        let path = "\(directory)/\(file)"
        try LabFile.write(text, to: path)
        return path
    }

    private func makeDirectory() async throws {
        let made = try await Command.run(["mkdir", "-p", directory])
        guard made.status == 0 else { throw LabError(made.text) }
    }

    /// The host as text: addresses, routes, rules, packet-filter tables, GUE's ports, sysctls, and the files below `files`,
    /// which is a folder of the host's.
    public func text(files: String = "var") async throws -> String {
        var text = ""
        for line in HostText.listings {
            text += "$ \(line)\n\(HostText.uncounted(try await require(line).output))\n"
        }
        text += HostText.sorted(try await run(HostText.portListing).output) + "\n"
        text += HostText.sorted(try await run(Sysctl.listing).output) + "\n"
        _ = try await Command.run(["mkdir", "-p", "\(directory)/\(files)"])
        let list = try await Command.run(["find", "\(directory)/\(files)", "-printf", "%P:%y:%m:%u\\n"])
        return text + HostText.sorted(list.output)
    }
}
