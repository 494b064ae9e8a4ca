/// A question whose asker does not say which generation it acts on, such as that for `/health/web`.
struct PlainQuestion: Sendable {
    /// One check of one program on a director's host, as far as its questions tell it from others.
    struct Asker: Hashable, Sendable {
        var target: String
        var userAgent: String
        /// Which server of which HAProxy it is about; empty where the question does not say.
        var server: String

        /// All those for whom there is no more room.
        static let others = Asker(target: "", userAgent: "", server: "")
    }

    /// What counts of a target and of a program's name, in bytes.
    static let longestText = 256

    let asker: Asker
    /// What HAProxy says of its server; nil: nothing.
    let state: HAProxyServerState?
    /// Whether HAProxy acts on a drain; nil: nobody says. See `HAProxyServerState`.
    let actsOnDrain: Bool?

    /// - Parameters:
    ///   - target: what is asked for: path and query.
    ///   - userAgent: what the program calls itself.
    ///   - state: the value of `X-Haproxy-Server-State`; nil: it was not sent.
    ///   - isRefused: whether a drained service is answered with a status other than 200.
    init(_ target: String, userAgent: String = "", state: String? = nil, isRefused: Bool = false) {
        let state = state.flatMap { HAProxyServerState($0) }
        self.state = state
        actsOnDrain = state?.actsOnDrain(isRefused: isRefused)
        asker = Asker(
            target: String(decoding: target.utf8.prefix(Self.longestText), as: UTF8.self),
            userAgent: String(decoding: userAgent.utf8.prefix(Self.longestText), as: UTF8.self),
            server: state.map { "\($0.node) \($0.name)" } ?? "")
    }
}
