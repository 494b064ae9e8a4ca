internal import Glibc

/// A real DNS server on a backend, dnsmasq, which says who it is, and has an answer of three kilobytes.
public struct DNSServer: Sendable {
    /// The one process it is.
    public let process: LabProcess

    /// A TXT record of this name is the backend's name.
    public static let nameOfServer = "whoami.test"
    /// One of this name is `longText`.
    public static let longName = "long.test"
    /// Twelve strings of 250 bytes: more than fits one packet, and less than what EDNS lets a client take.
    public static let longText = (0..<12).map { number in
        String(repeating: Character(UnicodeScalar(UInt8(ascii: "a") + UInt8(number))), count: 250)
    }
    /// Who the server is, asked with an option of 1,600 bytes that means nothing to anybody (RFC 1035 §4.1, RFC 6891 §6.1).
    public static let longQuestion: [UInt8] = {
        var bytes: [UInt8] = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1]
        for label in nameOfServer.split(separator: ".") {
            bytes.append(UInt8(label.utf8.count))
            bytes += label.utf8
        }
        // The end of the name, TXT, IN.
        bytes += [0, 0, 16, 0, 1] as [UInt8]
        // The root, OPT, 4096 bytes are welcome, no flags; an option with a number for experiments.
        bytes += [0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0x06, 0x44, 0xFD, 0xE9, 0x06, 0x40] as [UInt8]
        bytes += [UInt8](repeating: UInt8(ascii: "*"), count: 1_600)
        return bytes
    }()
    /// dig, as every question is asked: over UDP, without a second try. Its exit status is 9 where no answer came.
    public static let question = "dig +short +notcp +ignore +tries=1 +time=\(Lab.isEmulated ? 20 : 3)"

    /// Starts dnsmasq on `host`, port 53 of every address, and waits until it answers. It answers from the address it was asked on.
    public init(on host: LabHost) async throws {
        process = try await host.start(
            [
                "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root",
                "--group=root",
                "--log-facility=-", "--no-resolv", "--no-hosts", "--local=/test/", "--edns-packet-max=4096",
                "--txt-record=\(Self.nameOfServer),\(host.name)",
                "--txt-record=\(Self.longName),\(Self.longText.joined(separator: ","))",
            ], log: "dnsmasq")
        try await Deadline.wait(until: "dnsmasq on \(host.name) to answer") { [process] in
            if process.exitStatus != nil { throw LabError("dnsmasq: \(try process.output)") }
            let words = Self.question.split(separator: " ").map(String.init)
            return try await host.run(words + ["@\(host.address)", Self.nameOfServer, "TXT"]).status == 0
        }
    }

    /// `kill -9`.
    public func kill() { process.signal(SIGKILL) }
}
