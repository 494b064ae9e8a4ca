/// What HAProxy tells of its server in a health check of its, with `http-check send-state`:
/// `UP 2/3; address=10.0.0.11; port=80; name=web/rs1; node=lb1; weight=100/300; scur=1/4; qcur=0`.
///
/// It is what HAProxy did when it asked, thus after it had worked off the answer before. Source: configuration.txt,
/// `http-check send-state`; `httpchk_build_status_header`, src/check.c.
struct HAProxyServerState: Sendable, Equatable {
    /// The header it comes in.
    static let header = "X-Haproxy-Server-State"
    /// Longer names than these, in bytes, are cut off.
    static let longestName = 64

    /// The first word.
    enum Word: String, Sendable {
        /// Balanced to, unless its weight is 0. Also while HAProxy drains it by hand or by its agent-check: that does not show.
        case up = "UP"
        /// Not balanced to, softly (`http-check disable-on-404`).
        case noLoadBalancing = "NOLB"
        /// Failed.
        case down = "DOWN"
    }

    let word: Word
    /// The backend and the server, as HAProxy's configuration has them: `web/rs1`.
    let name: String
    /// What HAProxy calls itself: `node` in its configuration, or its host's name.
    let node: String
    /// The weight in force; nil: it does not say.
    let weight: Int?

    /// Reads the header's value; nil where it does not begin with a word that is known.
    init?(_ text: String) {
        let fields = text.split(separator: ";", omittingEmptySubsequences: false).map { $0.drop { $0 == " " } }
        guard let word = fields.first?.split(separator: " ").first.flatMap({ Word(rawValue: String($0)) }) else {
            return nil
        }
        func value(_ key: String) -> Substring? {
            fields.dropFirst().first { $0.hasPrefix("\(key)=") }?.dropFirst(key.count + 1)
        }
        self.word = word
        name = String(decoding: (value("name") ?? "").utf8.prefix(Self.longestName), as: UTF8.self)
        node = String(decoding: (value("node") ?? "").utf8.prefix(Self.longestName), as: UTF8.self)
        weight = value("weight").flatMap { Int($0.prefix { $0 != "/" }) }
    }

    /// Whether HAProxy acts on a drain; nil: that cannot be told.
    ///
    /// - Parameter isRefused: whether this question is answered with a status that the check fails by, or 404. Where it is not, a
    ///   server that is out for its checks comes back; and a drain by the agent-check does not show in the header.
    func actsOnDrain(isRefused: Bool) -> Bool? {
        if weight == 0 { return true }
        return isRefused ? word != .up : nil
    }

    /// In words, for an operator.
    var words: String {
        let host = node.isEmpty ? "HAProxy" : "HAProxy \(node)"
        return "\(host) has \(name.isEmpty ? "it" : name) \(word.rawValue)\(weight == 0 ? ", weight 0" : "")"
    }
}
