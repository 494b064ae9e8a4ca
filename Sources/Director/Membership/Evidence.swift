internal import ConfigurationFile
internal import HealthReporter
internal import NetworkAddress

/// What is known of a server from those who ask it.
enum Evidence: Equatable, Sendable {
    /// Nobody has asked yet.
    case none
    /// What its agent says of the service, without the checks; nil: the agent knows no such service.
    case told(Report.Service?)
    /// What the director's own checks say, and why.
    case checked(isUp: Bool, reason: String)

    /// What a report says about a service.
    static func told(_ report: Report, about service: DirectorConfiguration.Service) -> Self {
        var told = report.service(named: service.name)
        // Nothing of it is kept that is not used: an agent may say as much as it likes.
        told?.checks = []
        told?.setup = .init(problems: [])
        if let reason = told?.reason, reason.count > Membership.Standing.longestReason {
            told?.reason = reason.prefix(Membership.Standing.longestReason) + "…"
        }
        return .told(told)
    }

    /// What follows for a server of the service.
    func standing(
        of server: DirectorConfiguration.Server, in service: DirectorConfiguration.Service
    ) -> Membership.Standing {
        switch self {
        case .none where server.agent != nil: return .awaited("no report from its agent yet")
        case .none: return Membership.Standing(state: .up, agentWeight: nil, weight: server.weight, reason: "")
        case .checked(true, let reason):
            return Membership.Standing(state: .up, agentWeight: nil, weight: server.weight, reason: reason)
        case .checked(false, let reason): return .down(reason)
        case .told(nil): return .down("agent knows no service \(service.name)")
        case .told(let told?): return told.standing(of: server, in: service)
        }
    }
}

extension Report.Service {
    fileprivate func standing(
        of server: DirectorConfiguration.Server, in service: DirectorConfiguration.Service
    ) -> Membership.Standing {
        if let mismatch = mismatch(with: service, server) { return .down(mismatch) }
        let asked = state == .up ? min(max(weight, 0), Membership.Standing.maximumWeight) : 0
        let product = asked.multipliedReportingOverflow(by: server.weight)
        let reasons = [reason, doubt(about: service, server)].filter { !$0.isEmpty }
        return Membership.Standing(
            state: state, agentWeight: asked,
            weight: product.overflow
                ? Membership.Standing.maximumWeight : min(product.partialValue, Membership.Standing.maximumWeight),
            reason: reasons.joined(separator: "; "))
    }

    /// Why the agent's host could not take what the director would send it, or nil: whatever its state, that would vanish.
    private func mismatch(
        with service: DirectorConfiguration.Service, _ server: DirectorConfiguration.Server
    ) -> String? {
        let missing = service.vips.filter { service.fits(server.address, $0) && !vips.contains($0) }
        if !missing.isEmpty { return "agent does not serve VIP \(missing.map(\.description).joined(separator: ", "))" }
        if transport != service.transport {
            return "agent serves \(transport.rawValue), not \(service.transport.rawValue)"
        }
        if forward != service.forward { return "agent expects \(forward.rawValue), not \(service.forward.rawValue)" }
        return nil
    }

    /// Where the agent judges another port than clients connect to: what listens there may be as healthy; or empty.
    private func doubt(about service: DirectorConfiguration.Service, _ server: DirectorConfiguration.Server) -> String {
        guard !ports.isEmpty, service.port == 0 || !ports.contains(service.port) else { return "" }
        let port = service.port == 0 ? "all ports" : "port \(service.port)"
        return "warning: agent serves \(ports.map(String.init).joined(separator: ", ")), not \(port)"
    }
}
