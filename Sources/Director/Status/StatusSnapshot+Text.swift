internal import ConfigurationFile
internal import HealthReporter
internal import NetworkAddress

extension StatusSnapshot {
    /// What of the services is told.
    public enum Table: Sendable {
        /// `ipvsadm -L -n`: weights and connections, with what the agents say behind each server.
        case servers
        /// `ipvsadm -L -n --stats`: what was counted since the start.
        case stats
        /// `ipvsadm -L -n --rate`: how much a second.
        case rate
    }

    /// Laid out as ipvsadm does (its `print_title` and `print_service_entry`). Every line ends with a newline.
    public func text(_ table: Table = .servers) -> String {
        var lines = ["IP Virtual Server, \(director) (flows=\(flows), size=\(flowCapacity))"] + table.title
        for service in services {
            lines.append(service.line(table))
            lines += service.servers.map { $0.line(table) }
        }
        lines += Outbound.lines(outbound, table)
        let remarks = vips.compactMap(\.remark) + interfaces.compactMap(\.remark)
        if !remarks.isEmpty { lines += [""] + remarks }
        return lines.map { $0.printable + "\n" }.joined()
    }
}

extension StatusSnapshot.Table {
    fileprivate var title: [String] {
        switch self {
        case .servers:
            [
                "Prot LocalAddress:Port Scheduler Flags",
                "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn State    Reason",
            ]
        case .stats: Self.title("Conns", "InPkts", "OutPkts", "InBytes", "OutBytes")
        case .rate: Self.title("CPS", "InPPS", "OutPPS", "InBPS", "OutBPS")
        }
    }

    private static func title(_ columns: String...) -> [String] {
        [
            "Prot LocalAddress:Port".padded(to: 33) + columns.map { " " + $0.rightAligned(to: 8) }.joined(),
            "  -> RemoteAddress:Port",
        ]
    }
}

extension StatusSnapshot.Service {
    fileprivate func line(_ table: StatusSnapshot.Table) -> String {
        let name = "\(transport.rawValue.uppercased())  \(vip.withPort(port))"
        return switch table {
        case .servers: "\(name) \(scheduler.rawValue)" + flags
        case .stats: name.padded(to: 33) + total.columns.map(\.largeNumber).joined()
        case .rate: name.padded(to: 33) + rate.columns.map(\.largeNumber).joined()
        }
    }

    /// What stands behind the scheduler's name. A mask only where clients are told apart by less than their whole address.
    private var flags: String {
        var text = schedulerFlags.isEmpty ? "" : " (\(schedulerFlags.joined(separator: ",")))"
        guard let persistence else { return text }
        text += " persistent \(persistence.timeout)"
        guard persistence.prefixLength < vip.bitWidth else { return text }
        guard vip.v4 != nil else { return text + " mask \(persistence.prefixLength)" }
        let mask = UInt32(truncatingIfNeeded: ~0 << UInt64(32 - persistence.prefixLength) as UInt64)
        return text + " mask \(IPv4Address(rawValue: mask))"
    }
}

extension StatusSnapshot.Server {
    fileprivate func line(_ table: StatusSnapshot.Table) -> String {
        let name = "  -> " + address.withPort(port).padded(to: 28)
        switch table {
        case .servers:
            let columns = [
                name, forward.ipvsName.padded(to: 7), "\(weight)".padded(to: 6), "\(active)".padded(to: 10),
                "\(inactive)".padded(to: 9), state.rawValue.padded(to: 8), explanation,
            ]
            return columns.joined(separator: " ").trimmed
        case .stats: return name + total.columns.map(\.largeNumber).joined()
        case .rate:
            // ipvsadm shortens bytes only, here.
            let columns = rate.columns
            let counts = columns.prefix(3).map { " " + "\($0)".rightAligned(to: 8) }
            return name + (counts + columns.dropFirst(3).map(\.largeNumber)).joined()
        }
    }

    /// Why it stands as it does, and what keeps it from getting packets.
    private var explanation: String {
        let unresolved = mac == nil ? "MAC not known" : ""
        return [joined ? "joined" : "", sorry ? "sorry server" : "", unresolved, reason].filter { !$0.isEmpty }.joined(
            separator: "; ")
    }
}

extension ForwardingMethod {
    /// What ipvsadm prints (`fwd_name` in ipvsadm.c).
    fileprivate var ipvsName: String {
        switch self {
        case .dr: "Route"
        case .tun: "Tunnel"
        case .nat: "Masq"
        }
    }
}

extension StatusSnapshot.VIP {
    /// What an operator should know of a VIP that is not simply ours.
    fileprivate var remark: String? {
        switch state {
        case .silent, .owned:
            conflict.map { "VIP \(address) on \(interface): \($0) says it has it too" }
        case .probing: "VIP \(address) on \(interface): not answered yet, asking whether somebody has it"
        case .taken: "VIP \(address) on \(interface): not answered, \(conflict ?? "another station") has it"
        case .lost: "VIP \(address) on \(interface): not answered, the interface is lost"
        }
    }
}

extension StatusSnapshot.Interface {
    fileprivate var remark: String? {
        up ? nil : "interface \(name): \(fault ?? "down or gone")"
    }
}
