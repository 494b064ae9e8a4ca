internal import ConfigurationFile
internal import HealthReporter
internal import NetworkAddress

extension StatusSnapshot {
    /// Laid out as `ipvsadm -L -n` does (its `print_title` and `print_service_entry`), with what the agents say behind each
    /// server. Every line ends with a newline.
    public var text: String {
        var lines = [
            "IP Virtual Server, \(director) (flows=\(flows), size=\(flowCapacity))",
            "Prot LocalAddress:Port Scheduler Flags",
            "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn State    Reason",
        ]
        for service in services {
            lines.append(
                "\(service.transport.rawValue.uppercased())  \(service.vip):\(service.port) \(service.scheduler.rawValue)"
            )
            lines += service.servers.map { $0.line(port: service.port) }
        }
        let remarks = vips.compactMap(\.remark) + interfaces.compactMap(\.remark)
        if !remarks.isEmpty { lines += [""] + remarks }
        return lines.map { $0.printable + "\n" }.joined()
    }
}

extension StatusSnapshot.Server {
    fileprivate func line(port: UInt16) -> String {
        let columns = [
            "\(address):\(port)".padded(to: 28), forward.ipvsName.padded(to: 7), "\(weight)".padded(to: 6),
            "\(active)".padded(to: 10), "\(inactive)".padded(to: 9), state.rawValue.padded(to: 8), explanation,
        ]
        return "  -> " + columns.joined(separator: " ").trimmed
    }

    /// Why it stands as it does, and what keeps it from getting packets.
    private var explanation: String {
        let unresolved = mac == nil ? "MAC not known" : ""
        return [unresolved, reason].filter { !$0.isEmpty }.joined(separator: "; ")
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
        up ? nil : "interface \(name): down or gone"
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }

    fileprivate var trimmed: String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    /// Without control characters: agents' reasons go to a terminal.
    fileprivate var printable: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }
}
