/// Whether a service on a real server takes connections.
public enum ServiceState: String, Codable, Sendable, CaseIterable {
    /// It takes new connections, in proportion to its weight.
    case up
    /// It takes none: a check fails, or the host is not fit for its traffic.
    case down
    /// It takes no new connections and goes on serving the open ones.
    case draining
    /// It was drained: the directors know and the last connection is closed.
    case drained
    /// It was taken down by hand.
    case maint

    /// How bad it is, for the worst of several: a larger number is worse.
    var severity: Int {
        switch self {
        case .up: 0
        case .drained: 1
        case .draining: 2
        case .maint: 3
        case .down: 4
        }
    }
}
