internal import Glibc
public import NetworkAddress
internal import Synchronization

/// Several hosts on one wire: network namespaces, each with its `eth0` on a bridge in a namespace of its own.
///
///      client          director        rs1             rs2             rs3
///      10.0.0.2        10.0.0.1        10.0.0.11       10.0.0.12       10.0.0.13
///        eth0            eth0            eth0            eth0            eth0
///     ─────┴───────────────┴────── br0 ────┴───────────────┴───────────────┴──────
///
/// The VIP, 192.0.2.10, is reached by way of the wire itself: whoever answers who-has for it gets its packets.
/// The machine's own network is not touched. All names begin with `rslab-PID-`, PID being this process, so that what a
/// killed run left behind is recognised and cleared by the next.
public final class Lab: Sendable {
    /// What clients connect to.
    public static let vip = IPv4Address(192, 0, 2, 10)
    /// The number of the backends.
    public static let backendCount = 3

    /// Where the lab keeps its files.
    public let directory: ScratchDirectory
    /// The client.
    public let client: LabHost
    /// The director.
    public let director: LabHost
    /// The real servers: rs1, rs2, rs3.
    public let backends: [LabHost]
    /// Where the bridge is.
    private let wire: String

    /// All hosts.
    public var hosts: [LabHost] { [client, director] + backends }

    /// Whether this is the kernel lab's guest, an emulated machine.
    public static let isEmulated = getenv("RSLAB_GUEST") != nil

    /// Whether labs can be made here; else the reason why not.
    public static var obstacle: String? {
        FreshNamespace.isAvailable && getuid() == 0 ? nil : "network namespaces need root"
    }

    /// Clears what killed runs left, then makes the namespaces and the wire.
    public init() async throws {
        try await Self.clearLeftovers()
        let prefix = "\(Self.prefix)\(getpid())-\(Self.serial())"
        directory = try ScratchDirectory()
        wire = "\(prefix)-wire"
        client = LabHost(name: "client", lab: prefix, address: IPv4Address(10, 0, 0, 2), directory: directory.path)
        director = LabHost(name: "director", lab: prefix, address: IPv4Address(10, 0, 0, 1), directory: directory.path)
        backends = (1...Self.backendCount).map { [directory] number in
            LabHost(
                name: "rs\(number)", lab: prefix, address: IPv4Address(10, 0, 0, 10 + UInt8(number)),
                directory: directory.path)
        }
        try await Self.require("ip netns add \(wire)")
        try await Self.require("ip -n \(wire) link add br0 type bridge")
        try await Self.require("ip -n \(wire) link set br0 up")
        for host in hosts { try await connect(host) }
        try await Self.require("ip -n \(client.namespace) route add 192.0.2.0/24 dev eth0")
    }

    /// Adds a host to the wire.
    private func connect(_ host: LabHost) async throws {
        let namespace = host.namespace
        try await Self.require("ip netns add \(namespace)")
        // Without IPv6 and its own timing, a host's text stands still while nobody changes it.
        for scope in ["all", "default"] {
            try await host.set("net.ipv6.conf.\(scope).disable_ipv6=1")
        }
        try await Self.require("ip -n \(namespace) link set lo up")
        try await Self.require(
            "ip -n \(wire) link add \(host.name) type veth peer name eth0 address \(host.mac) netns \(namespace)")
        try await Self.require("ip -n \(wire) link set \(host.name) master br0 up")
        try await Self.require("ip -n \(namespace) addr add \(host.address)/24 dev eth0")
        try await Self.require("ip -n \(namespace) link set eth0 up")
    }

    /// Ends every process in the lab and removes its namespaces and files. What cannot be removed is thrown.
    public func remove() async throws {
        for namespace in hosts.map(\.namespace) + [wire] { try await Self.remove(namespace) }
        _ = try await Command.run(["rm", "-rf", directory.path])
    }

    private static let prefix = "rslab-"

    private static func remove(_ namespace: String) async throws {
        let listed = try await Command.run(["ip", "netns", "pids", namespace])
        for pid in listed.output.split(whereSeparator: \.isWhitespace).compactMap({ Int32($0) }) { kill(pid, SIGKILL) }
        try await Deadline.wait(until: "the end of all processes in \(namespace)") {
            try await Command.run(["ip", "netns", "pids", namespace]).output.isEmpty
        }
        try await require("ip netns del \(namespace)")
    }

    /// Removes the namespaces of labs whose process is gone.
    private static func clearLeftovers() async throws {
        let list = try await Command.run(["ip", "netns", "list"]).output
        for line in list.split(separator: "\n") {
            guard let name = line.split(separator: " ").first, name.hasPrefix(prefix),
                let owner = name.dropFirst(prefix.count).split(separator: "-").first.flatMap({ Int32($0) }),
                kill(owner, 0) != 0
            else { continue }
            try await remove(String(name))
        }
        try ScratchDirectory.clearLeftovers()
    }

    private static func require(_ line: String) async throws {
        let command = try await Command.run(line.split(separator: " ").map(String.init))
        guard command.status == 0 else { throw LabError("\(line): exit \(command.status): \(command.text)") }
    }

    /// A number that no other lab of this process has.
    private static func serial() -> Int { counter.wrappingAdd(1, ordering: .relaxed).newValue }
    private static let counter = Atomic<Int>(0)
}
