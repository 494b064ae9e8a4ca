internal import NetworkAddress

extension Table {
    /// Addresses and ports to listen on.
    func listenAddresses(_ key: String, example: String) -> [(node: Node, address: SocketAddress)] {
        var seen: Set<SocketAddress> = []
        return (texts(key, example: example) ?? []).compactMap { node, text in
            guard let listen = listenAddress(node, text, example: example) else { return nil }
            guard seen.insert(listen).inserted else {
                findings.report(node, "\(listen) is listed twice", "remove one of the two")
                return nil
            }
            return (node, listen)
        }
    }

    /// One address and port to listen on.
    func listenAddress(_ key: String, example: String) -> SocketAddress? {
        guard let (node, text) = text(key, example: example) else { return nil }
        return listenAddress(node, text, example: example)
    }

    private func listenAddress(_ node: Node, _ text: String, example: String) -> SocketAddress? {
        guard let listen = SocketAddress(text) else {
            let standard = SocketAddress(example)?.port ?? AgentConfiguration.defaultReportPort
            let cure = IPAddress(text).map { "write \(quoted("\(SocketAddress(address: $0, port: standard))"))" }
            let form = "write \"ADDRESS:PORT\" with a port of 1 to 65535, such as \(quoted(example))"
            findings.report(node, "\(quoted(text)) is not an address and a port", cure ?? form)
            return nil
        }
        guard !listen.address.isMulticast else {
            let cure = "write an address of this host, such as \(quoted(example))"
            findings.report(node, "\(listen.address) is a multicast address, nobody can listen there", cure)
            return nil
        }
        return listen
    }
}
