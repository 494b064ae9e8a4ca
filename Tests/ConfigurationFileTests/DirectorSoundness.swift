import ConfigurationFile
import NetworkAddress

extension DirectorConfiguration {
    /// The first promise of its values that is broken, in words; nil: none. Of a file that was taken none may be.
    var unsoundness: String? {
        let vips = Set(services.flatMap(\.vips))
        if interfaces.isEmpty || services.isEmpty || !(1 << 10...1 << 26).contains(flows) { return "\(flows) flows" }
        let lifetimes = [timeouts.tcp, timeouts.tcpFin, timeouts.udp] + services.compactMap(\.persistence?.timeout)
        if !lifetimes.allSatisfy({ (.seconds(1)...(.seconds(31 * 86_400))).contains($0) }) { return "\(lifetimes)" }
        if let listen = [status, join?.listen].compactMap({ $0 }).first(where: { vips.contains($0.address) }) {
            return "\(listen) is a VIP"
        }
        if let join, join.services.isEmpty || !join.services.isSubset(of: services.map(\.name)) {
            return "join \(join.services)"
        }
        if let join, !(.seconds(5)...(.seconds(3600))).contains(join.lease) || !(1...100_000).contains(join.limit) {
            return "join \(join.lease), \(join.limit)"
        }
        if services.contains(where: { $0.servers.contains(where: \.isJoined) }) { return "a server that joined" }
        for rule in outbound {
            let isOfOneFamily = rule.sources.allSatisfy { $0.address.bitWidth == rule.address.bitWidth }
            if rule.sources.isEmpty || rule.ports.lowerBound == 0 || !isOfOneFamily { return "outbound \(rule)" }
        }
        let others = services.flatMap { $0.servers.map(\.address) + $0.sorryServers.map(\.address) }
        if let address = others.first(where: vips.contains) { return "\(address) is a VIP and a server" }
        return services.lazy.compactMap { $0.unsoundness(isJoinable: join?.services.contains($0.name) ?? false) }.first
    }
}

extension DirectorConfiguration.Service {
    fileprivate func unsoundness(isJoinable: Bool) -> String? {
        if vips.isEmpty || Set(vips).count != vips.count { return "VIPs \(vips)" }
        if servers.isEmpty, !isJoinable { return "no server of \(name)" }
        if Set(servers.map(\.address)).count != servers.count { return "a server twice" }
        if (forward == .tun) != (tunnel != nil) || (forward == .nat && reply == .direct) {
            return "\(forward), \(reply), \(String(describing: tunnel))"
        }
        if !schedulerFlags.isEmpty, !scheduler.takesFlags { return "\(scheduler) with \(schedulerFlags)" }
        if let persistence,
            !(1...32).contains(persistence.prefixLength) || !(1...128).contains(persistence.prefixLengthV6)
        {
            return "\(persistence)"
        }
        if isSloppy, transport == .udp { return "sloppy UDP" }
        if quorum.servers < 1 || !(0..<quorum.servers).contains(quorum.hysteresis) { return "\(quorum)" }
        if !(.zero ... .seconds(3600)).contains(slowStart) || !(.zero ... .seconds(86_400)).contains(lastWord) {
            return "\(slowStart), \(lastWord)"
        }
        for server in sorryServers where server.port != nil && server.forward != .nat { return "\(server)" }
        return servers.lazy.compactMap { $0.unsoundness(of: self) }.first
    }
}

extension DirectorConfiguration.Server {
    fileprivate func unsoundness(of service: DirectorConfiguration.Service) -> String? {
        if port != nil, service.forward != .nat || service.port == 0 { return "\(address) with a port" }
        if service.forward != .tun, !service.vips.contains(where: { $0.bitWidth == address.bitWidth }) {
            return "\(address) of no VIP's family"
        }
        if agent != nil, !checks.isEmpty { return "\(address) with an agent and checks" }
        if agent?.hasPrefix("https://") != true, access.authority != nil || access.certificate != nil {
            return "\(address) with files of TLS, without TLS"
        }
        if let thresholds, thresholds.upper < 1 || !(1...thresholds.upper).contains(thresholds.lower ?? 1) {
            return "\(thresholds)"
        }
        if !(0...65535).contains(weight) || rise < 1 || fall < 1 { return "\(weight), \(rise), \(fall)" }
        for check in checks {
            switch check.kind {
            case .http, .tcp, .tls, .udp, .grpc: break
            case .exec, .systemd, .file: return "\(check.kind)"
            }
            if service.port == 0, check.port == nil { return "a check without a port" }
        }
        return nil
    }
}
