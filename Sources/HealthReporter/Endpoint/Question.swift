import ConfigurationFile
import NetworkAddress

/// A request as the endpoint sees it.
struct Question: Sendable {
    /// Who asks.
    enum Caller: Sendable, Equatable {
        /// Over TCP, from this address; nil where the kernel does not tell.
        case network(IPAddress?)
        /// Over the control socket.
        case control

        /// The address a director is known by; nil where it cannot be one.
        var address: IPAddress? {
            if case .network(let address) = self { address } else { nil }
        }
    }

    var method: String
    /// What stands between the slashes.
    var path: [Substring]
    /// What stands after the question mark; the first one counts where a key comes twice.
    var query: [String: String]
    var caller: Caller
    /// Path and query as they came.
    let target: String
    /// The header `endpoint-load-metrics-format`; nil where there is none.
    var loadMetricsFormat: String?
    /// The header `User-Agent`; nil where there is none.
    var userAgent: String?
    /// The header `X-Haproxy-Server-State`; nil where there is none.
    var haproxyServerState: String?

    init(method: String, path: String, query: String?, caller: Caller) {
        self.method = method
        target = query.map { "\(path)?\($0)" } ?? path
        self.path = path.split(separator: "/")
        self.query = [:]
        for pair in (query ?? "").split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard let key = parts.first.map(Self.decoded), self.query[key] == nil else { continue }
            self.query[key] = parts.count == 2 ? Self.decoded(parts[1]) : ""
        }
        self.caller = caller
    }

    /// Percent-encoding undone (RFC 3986, 2.1); what is not validly encoded stays as it is.
    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(2)
            if byte == UInt8(ascii: "%"), digits.count == 2,
                let value = UInt8(Substring(digits), radix: 16), digits.first != UInt8(ascii: "+")
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension Question {
    /// The longest a request is held.
    static let longestWait = Duration.seconds(60)
    /// The longest name a director may give itself, in bytes.
    static let longestName = 64

    /// `since`: the generation the caller has.
    var since: UInt64? {
        get throws(ReporterError) {
            guard let text = query["since"] else { return nil }
            guard let number = UInt64(text) else {
                throw refusal("since", text, "a generation, which is a number as in an earlier report")
            }
            return number
        }
    }

    /// `wait`: how long to hold the request while nothing changes; at most `longestWait`.
    var wait: Duration {
        get throws(ReporterError) {
            guard let text = query["wait"] else { return .zero }
            // A number without a unit is in seconds.
            guard let duration = UInt32(text).map({ .seconds($0) }) ?? DurationText.duration(from: text) else {
                throw refusal("wait", text, "a duration such as 30s or 500ms")
            }
            return min(duration, Self.longestWait)
        }
    }

    /// `director`: what the caller calls itself.
    var director: String? {
        get throws(ReporterError) {
            guard let text = query["director"] else { return nil }
            let isPrintable = text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
            guard !text.isEmpty, text.utf8.count <= Self.longestName, isPrintable else {
                throw refusal("director", text, "a printable name of 1 to \(Self.longestName) bytes")
            }
            return text
        }
    }

    /// `drain`: the status that a draining service is answered with; 503 unless asked for otherwise.
    var drainStatus: Int {
        get throws(ReporterError) {
            guard let text = query["drain"] else { return 503 }
            guard let status = Int(text), [200, 404, 503].contains(status) else {
                throw refusal("drain", text, "200, 404 or 503")
            }
            return status
        }
    }

    /// What it tells of a drain; see `DirectorLedger`.
    ///
    /// - Parameter isRefused: whether a drained service is answered with a status other than 200.
    func plain(isRefused: Bool = false) -> PlainQuestion {
        PlainQuestion(target, userAgent: userAgent ?? "", state: haproxyServerState, isRefused: isRefused)
    }

    /// Says what `key` may be. What it was is quoted as far as the longest name goes: a path has no end of its own.
    func refusal(_ key: String, _ text: String, _ wanted: String) -> ReporterError {
        let quoted = String(String.UnicodeScalarView(text.unicodeScalars.prefix(Self.longestName)))
        return ReporterError(.badRequest, operation: "answer", cause: "`\(key)=\(quoted)` is not \(wanted)")
    }
}
