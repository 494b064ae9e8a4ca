public import ConfigurationFile
public import NetworkAddress

/// A listener of this host, as `/proc/net/tcp`, `tcp6`, `udp` and `udp6` show it (proc(5)): a TCP listener, or a UDP socket
/// that is connected to nobody.
public struct ListeningSocket: Sendable, Hashable {
    /// The address it is bound to; `0.0.0.0` or `::` where it takes any. Never an IPv4-mapped one.
    public var address: IPAddress
    /// The port.
    public var port: UInt16
    /// The protocol.
    public var transport: TransportProtocol

    /// A listener on an address and a port.
    public init(address: IPAddress, port: UInt16, transport: TransportProtocol = .tcp) {
        self.address = address
        self.port = port
        self.transport = transport
    }

    /// Whether it is bound to no address in particular.
    public var isWildcard: Bool { address == .v4(.any) || address == .v6(.any) }

    /// As ss(8) writes it.
    public var words: String { address.v6 != nil ? "[\(address)]:\(port)" : "\(address):\(port)" }

    /// Whether what is sent to an endpoint comes to it, as far as the list shows: one on `[::]` takes IPv4 as well, unless it
    /// was told not to (`IPV6_V6ONLY`).
    func takes(_ endpoint: Evidence.Endpoint) -> Bool {
        guard transport == endpoint.transport, port == endpoint.port else { return false }
        return address == endpoint.address || address == .v6(.any)
            || (address == .v4(.any) && endpoint.address.v4 != nil)
    }

    /// The numbers of the states LISTEN, and CLOSE, in which UDP sockets are that are connected to nobody
    /// (include/net/tcp_states.h).
    private static func listening(_ transport: TransportProtocol) -> String { transport == .tcp ? "0A" : "07" }

    /// Reads one of the files: `SL: ADDRESS:PORT REMOTE:PORT STATE …`. Addresses are 32-bit words of the host's byte
    /// order in hexadecimal, ports plain hexadecimal numbers.
    static func all(in text: [UInt8], _ transport: TransportProtocol) -> [ListeningSocket] {
        let listening = listening(transport)
        return String(decoding: text, as: UTF8.self).split(separator: "\n").dropFirst().compactMap { line in
            let words = line.split(separator: " ")
            guard words.count > 3, words[3] == listening else { return nil }
            let ends = words[1].split(separator: ":")
            guard ends.count == 2, let port = UInt16(ends[1], radix: 16), let address = address(ends[0]) else {
                return nil
            }
            return ListeningSocket(address: address.unmapped, port: port, transport: transport)
        }
    }

    private static func address(_ digits: Substring) -> IPAddress? {
        var words: [UInt32] = []
        var rest = digits
        while !rest.isEmpty {
            let digits = rest.prefix(8)
            guard digits.count == 8, let word = UInt32(digits, radix: 16) else { return nil }
            words.append(UInt32(bigEndian: word))
            rest = rest.dropFirst(8)
        }
        switch words.count {
        case 1: return .v4(IPv4Address(rawValue: words[0]))
        case 4:
            let half = { (first: Int) in UInt64(words[first]) << 32 | UInt64(words[first + 1]) }
            return .v6(IPv6Address(high: half(0), low: half(2)))
        default: return nil
        }
    }
}
