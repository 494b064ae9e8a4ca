internal import NetworkAddress

/// Which addresses and ports this host is to listen on, so that no two of them are in each other's way.
struct Listeners {
    private struct Listener {
        let address: IPAddress
        let line: Int
        /// Who listens there, with a verb: "the report is served".
        let use: String
    }

    private var listeners: [UInt16: [Listener]] = [:]

    /// Notes who listens where, and reports whoever is there already.
    mutating func add(_ listen: SocketAddress, at node: Node, use: String, _ findings: Findings) {
        if let other = listeners[listen.port]?.first(where: { Self.overlap($0.address, listen.address) }) {
            let there = SocketAddress(address: other.address, port: listen.port)
            let wrong =
                there == listen
                ? "\(listen) is where \(other.use) (line \(other.line))"
                : "\(listen) is taken by \(there), where \(other.use) (line \(other.line))"
            findings.report(node, wrong, "give one of the two another address or another port")
        }
        listeners[listen.port, default: []].append(Listener(address: listen.address, line: node.line, use: use))
    }

    /// Whether two sockets cannot listen on the same port of these: 0.0.0.0 is every address of IPv4, and :: of both families,
    /// as long as `bindv6only` is not set (ipv6(7)).
    private static func overlap(_ left: IPAddress, _ right: IPAddress) -> Bool {
        if left == right || left == .v6(.any) || right == .v6(.any) { return true }
        return (left == .v4(.any) || right == .v4(.any)) && left.bitWidth == right.bitWidth
    }
}
