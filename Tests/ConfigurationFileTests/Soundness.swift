import ConfigurationFile
import NetworkAddress

extension AgentConfiguration {
    /// The first promise of its values that is broken, in words; nil: none. Of a file that was taken none may be.
    var unsoundness: String? {
        for join in joins {
            if !directors.contains(join.director.address) { return "\(join.url) may not poll" }
            if join.services.isEmpty || !Set(join.services).isSubset(of: services.map(\.name)) {
                return "join \(join.services)"
            }
            if !(0...65_535).contains(join.weight) || !join.isOverTLS && join.authority != nil { return "\(join)" }
        }
        if Set(joins.map(\.director)).count != joins.count { return "a director joined twice" }
        let listeners = services.compactMap(\.agentCheck) + reportListen
        if Set(listeners).count != listeners.count { return "two listeners on one address" }
        if let listener = listeners.first(where: { $0.port == 0 }) { return "\(listener)" }
        if !(.zero ... .seconds(3600)).contains(stopTimeout) { return "stop_timeout \(stopTimeout)" }
        if case .text(let token) = reportAdmission.token,
            token.utf8.count < 16 || !token.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        {
            return "token \(token)"
        }
        if case .directorsAnd(let networks) = reportAdmission.callers, networks.contains(where: { $0.length == 0 }) {
            return "allow \(networks)"
        }
        return services.lazy.compactMap { $0.unsoundness ?? $0.load?.unsoundness(weight: $0.weight) }.first
    }
}

extension AgentConfiguration.Service {
    fileprivate var unsoundness: String? {
        if !(.zero ... .seconds(3600)).contains(slowStart) { return "slow_start \(slowStart)" }
        if !(.zero ... .seconds(3600)).contains(drainSettle) { return "drain_settle \(drainSettle)" }
        if transport == .udp, load?.connections != nil || directorConnections != nil { return "connections of UDP" }
        if let agentCheck, vips.contains(agentCheck.address) { return "agent_check \(agentCheck)" }
        return checks.lazy.compactMap { $0.unsoundness(ports: ports) }.first
    }
}

extension AgentConfiguration.LoadRules {
    fileprivate func unsoundness(weight: Int) -> String? {
        let shares = [cpu, cpuPressure, memory].compactMap { $0 }
        let figures = [loadAverage, command?.full].compactMap { $0 }
        if shares.isEmpty, figures.isEmpty, connections == nil { return "load without a rule" }
        if !shares.allSatisfy({ 0 < $0 && $0 < 1 }) { return "shares \(shares)" }
        if !figures.allSatisfy({ 0 < $0 && ($0 * 2).isFinite }) { return "figures \(figures)" }
        if let connections, connections < 1 { return "connections \(connections)" }
        if floor < 1 || floor > ceiling ?? weight || ceiling ?? weight > weight {
            return "min \(floor), max \(ceiling ?? weight), weight \(weight)"
        }
        if !(.zero ... .seconds(600)).contains(smoothing) || !(1...50).contains(step) { return "\(smoothing), \(step)" }
        return nil
    }
}

extension AgentConfiguration.Check {
    fileprivate func unsoundness(ports: [UInt16]) -> String? {
        if interval < .milliseconds(100) || fastInterval < .milliseconds(100) || timeout < .milliseconds(10)
            || fastInterval > interval || timeout > interval || rise < 1 || fall < 1
        {
            return "\(interval), \(fastInterval), \(timeout), \(rise), \(fall)"
        }
        let goesOut: Bool
        switch kind {
        case .http(let http):
            if http.status.isEmpty || !http.status.allSatisfy({ 100 <= $0.lowerBound && $0.upperBound <= 599 }) {
                return "status \(http.status)"
            }
            if !http.path.hasPrefix("/") || http.method.isEmpty { return "\(http.method) \(http.path)" }
            let names = http.headers.map { $0.name.lowercased() }
            if Set(names).count != names.count || names.contains("host") { return "headers \(names)" }
            goesOut = true
        case .exec(let words):
            if words.first?.hasPrefix("/") != true { return "exec \(words)" }
            goesOut = false
        case .systemd(let unit):
            if !unit.contains(".") || address != nil || port != nil { return "systemd \(unit)" }
            goesOut = false
        case .file(let path, _):
            if !path.hasPrefix("/") || address != nil || port != nil { return "file \(path)" }
            goesOut = false
        case .tcp, .tls, .udp, .grpc: goesOut = true
        }
        return goesOut && ports.isEmpty && port == nil ? "a check without a port" : nil
    }
}
