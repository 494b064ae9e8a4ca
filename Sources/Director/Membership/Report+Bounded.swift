internal import HealthReporter

extension Report {
    /// More addresses or ports of a service than this are not taken in.
    static let mostEndpoints = 1_024
    /// So much of a reason is, in characters, and in bytes.
    static let longestReason = (characters: 500, bytes: 4_096)

    /// The report as far as it may be kept, logged and shown: an agent is believed about its own host, and may not fill this
    /// one's memory, forge lines of its log, or speak to an operator's terminal.
    var bounded: Report {
        var report = self
        for index in report.services.indices {
            report.services[index].vips = Array(services[index].vips.prefix(Self.mostEndpoints))
            report.services[index].ports = Array(services[index].ports.prefix(Self.mostEndpoints))
            report.services[index].reason = printableLine(
                services[index].reason.utf8.prefix(Self.longestReason.bytes), upTo: Self.longestReason.characters)
        }
        return report
    }
}
