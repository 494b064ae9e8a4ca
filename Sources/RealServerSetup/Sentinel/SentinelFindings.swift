internal import NetworkAddress

/// What the sentinel tells of each VIP; an empty list: nothing.
struct SentinelFindings: Hashable, Sendable {
    /// What this host leaks.
    var problems: [IPAddress: [String]]
    /// Who else answers.
    var warnings: [IPAddress: [String]]

    /// Nothing to tell of any of these.
    init(vips: [IPAddress]) {
        problems = Dictionary(uniqueKeysWithValues: Set(vips).map { ($0, []) })
        warnings = problems
    }
}
