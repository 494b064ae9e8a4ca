/// What HAProxy's agent-check reads: one line, ended by a newline without which HAProxy ignores it (configuration.txt,
/// agent-check).
enum AgentCheckLine {
    /// The longest reason, in bytes.
    static let longestReason = 160
    /// The largest percentage HAProxy takes (`server_parse_weight_change_request`, src/server.c).
    static let largestPercentage = 25_600

    /// The line for a service as it is, newline included.
    ///
    /// Each line says everything there is to say, because HAProxy keeps what a line leaves out: `drain` lasts until `ready`, and
    /// after `down` a percentage alone leaves the server down.
    static func line(for service: Report.Service) -> String {
        switch service.state {
        case .up where service.weight > 0: "up ready \(percentage(service.weight, of: service.baseWeight))%\n"
        case .up, .draining, .drained: "up drain\n"
        case .maint: "maint\n"
        case .down: "down # \(printable(service.reason))\n"
        }
    }

    /// A weight above 0 as HAProxy wants it, in hundredths of the weight its own configuration gives the server: a whole number,
    /// at least 1. Of a base weight of 0 nothing is a part: the weight is then taken to be the percentage.
    static func percentage(_ weight: Int, of baseWeight: Int) -> Int {
        let base = baseWeight > 0 ? baseWeight : 100
        return min(max((weight * 100 + base / 2) / base, 1), largestPercentage)
    }

    /// A reason that cannot end the line or the description: printable ASCII without `#`, of bounded length.
    static func printable(_ reason: String) -> String {
        let bytes = reason.utf8.prefix(longestReason).map { byte in
            (0x20...0x7E).contains(byte) && byte != UInt8(ascii: "#") ? byte : UInt8(ascii: " ")
        }
        let words = String(decoding: bytes, as: UTF8.self).split(separator: " ").joined(separator: " ")
        return words.isEmpty ? "no reason known" : words
    }
}
