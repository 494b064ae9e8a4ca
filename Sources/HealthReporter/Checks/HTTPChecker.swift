import CLinux
import ConfigurationFile
import NIOCore
import NIOHTTP1
import NetworkAddress
import Synchronization

/// Whether a request is answered as wanted. Redirects are answers, they are not followed.
///
/// It is asked on a connection of NIO's, without a client behind it: pools, deadlines and tasks cost five times what the one
/// question does, and checks are most of what an idle agent does.
struct HTTPChecker: Checker {
    /// How much of a body is read: enough to see that it comes, and not what an endless one would fill memory with.
    static let longestBody = 65_536

    private let http: AgentConfiguration.Check.HTTP
    private let request: HTTPRequestHead
    private let conversation: Conversation

    init(
        _ http: AgentConfiguration.Check.HTTP, endpoint: ConfigurationFile.SocketAddress, timeout: Duration,
        group: any EventLoopGroup
    ) {
        self.http = http
        let tls = http.tls.map { TLSClient($0, applicationProtocols: ["http/1.1"]) }
        conversation = Conversation(endpoint: endpoint, tls: tls, timeout: timeout, group: group)
        let authority = (tls?.indicatedName).map { "\($0):\(endpoint.port)" } ?? "\(endpoint)"
        var headers: HTTPHeaders = [
            "Host": http.host ?? authority.withoutPort(tls == nil ? 80 : 443), "Connection": "close",
        ]
        for header in http.headers { headers.add(name: header.name, value: header.value) }
        if !headers.contains(name: "User-Agent") { headers.add(name: "User-Agent", value: "rsagent-check") }
        request = HTTPRequestHead(
            version: .http1_1, method: HTTPMethod(rawValue: http.method), uri: http.path, headers: headers)
    }

    func ask() async -> CheckOutcome {
        await conversation.ask { [http, request] open in
            // 1. What is said and heard is HTTP.
            let pipeline = open.channel.pipeline.syncOperations
            try pipeline.addHTTPClientHandlers(
                position: .before(open.last), leftOverBytesStrategy: .dropBytes)
            // 2. The answer to this one request is judged once it is whole.
            let judge = HTTPAnswerHandler(longestBody: Self.longestBody) { status, body in
                open.answer.succeed(Self.judge(status, body, wanted: http))
            }
            try pipeline.addHandler(judge, position: .before(open.last))
            open.channel.write(HTTPClientRequestPart.head(request), promise: nil)
            open.channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
        }
    }

    private static func judge(
        _ status: Int, _ body: ByteBuffer, wanted http: AgentConfiguration.Check.HTTP
    ) -> CheckAnswer {
        guard http.status.contains(where: { $0.contains(status) }) else {
            let wanted = http.status.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            return CheckAnswer(false, "\(status), wanted \(wanted.joined(separator: " or "))")
        }
        if let text = http.body, !body.contains(text) {
            return CheckAnswer(false, "\(status), but \"\(printableLine(text.utf8))\" is not in the body")
        }
        return CheckAnswer(true, "\(status)")
    }
}

/// What was seen last, by whichever thread.
final class Latest<Value: Sendable>: Sendable {
    private let mutex = Mutex<Value?>(nil)

    var value: Value? {
        get { mutex.withLock { $0 } }
        set { mutex.withLock { $0 = newValue } }
    }
}

extension ByteBuffer {
    /// Whether these bytes are in it, next to one another.
    func contains(_ text: String) -> Bool {
        withUnsafeReadableBytes { bytes in
            var text = text
            return text.withUTF8 { clinux_contains(bytes.baseAddress, bytes.count, $0.baseAddress, $0.count) != 0 }
        }
    }
}

extension String {
    /// An authority without its port where that is the scheme's own (RFC 9110 §4.2.3).
    fileprivate func withoutPort(_ standard: Int) -> String {
        hasSuffix(":\(standard)") ? String(dropLast("\(standard)".count + 1)) : self
    }
}
