internal import HealthReporter

extension Report {
    /// More addresses or ports of a service than this are not taken in.
    static let mostEndpoints = 1_024
    /// So much of a reason is, in characters as a reader counts them, and in Unicode's, of which one of those may be made of
    /// any number.
    static let longestReason = (characters: 500, scalars: 1_024)

    /// The report as far as it may be kept, logged and shown: an agent is believed about its own host, and may not fill this
    /// one's memory, forge lines of its log, or speak to an operator's terminal.
    var bounded: Report {
        var report = self
        for index in report.services.indices {
            report.services[index].vips = Array(services[index].vips.prefix(Self.mostEndpoints))
            report.services[index].ports = Array(services[index].ports.prefix(Self.mostEndpoints))
            let reason = String(
                String.UnicodeScalarView(services[index].reason.unicodeScalars.prefix(Self.longestReason.scalars)))
            report.services[index].reason = printableLine(reason.utf8, upTo: Self.longestReason.characters)
        }
        return report
    }
}
