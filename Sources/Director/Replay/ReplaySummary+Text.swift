internal import Forwarding
internal import NetworkAddress

extension ReplaySummary {
    /// For an operator to read. Every line ends with a newline.
    public var text: String {
        var lines = ["\(input): \(frames) frames in \(duration / 1000).\(Self.thousandths(duration)) s"]
        if let flaw { lines.append("\(input): \(flaw); what came before is replayed") }
        lines.append("director: \(directorText)")
        if isJoinLeftOut {
            lines.append(
                "[join]: servers that joined are not in the file; write them as [[service.server]] to replay them")
        }
        if isOutboundLeftOut {
            lines.append("[[outbound]]: not replayed; what servers send to the world counts as of no service")
        }
        lines += servers.map(\.line)
        lines.append("")
        lines += Fate.allCases.compactMap { fate in
            fates[fate].map { "\($0)".rightAligned(to: 9) + "  \(fate.rawValue)" }
        }
        if !drops.isEmpty {
            lines += ["", "dropped or answered, packets and pieces, by why:"]
            lines += drops.sorted { $0.key < $1.key }.map { "\($1)".rightAligned(to: 9) + "  \($0)" }
        }
        lines += ["", "Prot LocalAddress:Port".padded(to: 33) + Self.columns("Conns", "InPkts", "OutPkts", "Flows")]
        for service in services {
            let flows = service.servers.reduce(0) { $0 + $1.activeConnections + $1.inactiveConnections }
            lines.append(
                "\(service.transport)".uppercased().padded(to: 5)
                    + "\(service.vip.withPort(service.port)) \(service.scheduler.rawValue)".padded(to: 28)
                    + Self.columns(service.connections, service.inbound.packets, service.outbound.packets, flows))
            lines += service.servers.map { server in
                ("  -> " + server.address.withPort(server.port == 0 ? service.port : server.port)).padded(to: 33)
                    + Self.columns(
                        server.connections, server.inbound.packets, server.outbound.packets,
                        server.activeConnections + server.inactiveConnections)
            }
        }
        lines += ["", "\(output): \(sent) frames"]
        return lines.map { $0 + "\n" }.joined()
    }

    private var directorText: String {
        guard let director else { return "not to be seen, for no packet of the capture is for a VIP" }
        return isDirectorTold ? "\(director), as told" : "\(director), where most packets for the VIPs go"
    }

    private static func columns(_ values: any CustomStringConvertible...) -> String {
        values.map { " " + $0.description.rightAligned(to: 9) }.joined()
    }

    private static func thousandths(_ milliseconds: UInt64) -> String {
        let text = "\(milliseconds % 1000)"
        return String(repeating: "0", count: 3 - text.count) + text
    }
}

extension ReplaySummary.Server {
    fileprivate var line: String {
        let origin =
            switch station.source {
            case .said: "as it says itself"
            case .sent: "where its packets come from"
            case .madeUp: "made up: the capture does not show where it is"
            }
        let end = tunnel.map { "; its tunnel begins at \($0.begin)" + ($0.isSeen ? "" : ", made up") } ?? ""
        return "server \(address): at \(station.mac), \(origin)\(end)"
    }
}
