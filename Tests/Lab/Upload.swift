internal import Glibc
internal import Synchronization

/// A file that a client sends up little by little, for as long as the test wants the connection to be in use.
public final class Upload: Sendable {
    private let process: LabProcess
    private let flag: String
    private let file: String
    private let host: LabHost
    private let name: String

    private static let counter = Atomic<Int>(0)

    /// How long it pauses after each 64 KiB, in seconds: a guest without KVM has to start a process for each.
    private static let pause = Lab.isEmulated ? 2 : 0.05

    /// Begins to send `file`, about a megabyte a second, to `http://VIP/upload/NAME`; returns once the connection is open on `host`,
    /// whom the director must have chosen.
    public init(of file: String, from client: LabHost, to vip: String, on host: LabHost) async throws {
        // Below the ports of every `Load`.
        let port = 1_100 + Self.counter.wrappingAdd(1, ordering: .relaxed).oldValue % 800
        name = "held-\(port)"
        (self.file, self.host) = (file, host)
        flag = try await client.write("", to: "\(name).running")
        let script = """
            exec 3<"$1"
            { while test -e "$2"; do dd bs=65536 count=1 status=none <&3; sleep \(Self.pause); done; cat <&3; } |
                curl -s -H Expect: -T - -o /dev/null -w '%{exitcode} %{http_code}' --local-port "$3" "$4"
            """
        process = try await client.start(
            ["bash", "-c", script, "upload", file, flag, "\(port)", "http://\(vip)/upload/\(name)"], log: name)
        try await Deadline.wait(until: "an upload to \(vip) to be open on \(host.name)") { [process] in
            if process.exitStatus != nil { throw LabError("the upload ended: \(try process.output)") }
            let open = try await host.run(["ss", "-Htn", "state", "established", "dport = :\(port)"])
            return !open.output.isEmpty
        }
    }

    /// Whether it is still under way.
    public var isOpen: Bool { process.exitStatus == nil }

    /// Sends what is left at once; returns nil where all of it arrived, byte for byte, and else what was wrong.
    public func finish() async throws -> String? {
        unlink(flag)
        try await process.ended(limit: .seconds(60))
        let said = try process.output
        guard said == "0 201" else { return "curl said \"\(said)\"" }
        let got = "\(host.directory)/nginx/documents/upload/\(name)"
        let compared = try await Command.run(["cmp", file, got])
        return compared.status == 0 ? nil : compared.text
    }
}
