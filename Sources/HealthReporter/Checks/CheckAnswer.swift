import ConfigurationFile
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// What a question came to, before it is known how long it took.
struct CheckAnswer: Sendable, Equatable {
    /// Whether it was the wanted answer.
    var ok: Bool
    /// The answer in words; the same words for the same answer.
    var message: String

    init(_ ok: Bool, _ message: String) {
        (self.ok, self.message) = (ok, message)
    }

    /// A question that was not answered in time.
    static func late(_ timeout: Duration) -> CheckAnswer {
        CheckAnswer(false, "no answer within \(DurationText.text(for: timeout))")
    }
}

/// Asks what answers by a promise, and makes an outcome of it.
///
/// It waits no longer than `timeout`, and not at all once the task is cancelled: whoever holds the promise must not count
/// on being waited for, and learns by its future that nobody does any more.
///
/// - Parameters:
///   - late: what is said where there was no answer in time.
///   - onCancel: what is done where the task is cancelled; the answer is still waited for then.
func asked(
    timeout: Duration, on loop: any EventLoop, late: (@Sendable () -> CheckAnswer)? = nil,
    onCancel: (@Sendable () -> Void)? = nil, _ ask: (EventLoopPromise<CheckAnswer>) -> Void
) async -> CheckOutcome {
    let clock = ContinuousClock()
    let start = clock.now
    // What is completed first counts; NIO ignores the rest.
    let promise = loop.makePromise(of: CheckAnswer.self)
    let timer = loop.scheduleTask(in: TimeAmount(timeout)) { promise.succeed(late?() ?? .late(timeout)) }
    ask(promise)
    let answer = await withTaskCancellationHandler {
        do {
            return try await promise.futureResult.get()
        } catch {
            return CheckAnswer(false, words(for: error, timeout: timeout))
        }
    } onCancel: {
        if let onCancel { onCancel() } else { promise.fail(CancellationError()) }
    }
    timer.cancel()
    return CheckOutcome(answer, latency: clock.now - start)
}

/// The far end hung up on us.
struct ClosedWithoutAnswer: Error {}

/// Why a question came to nothing, in words that stay the same for the same cause.
func words(for error: any Error, timeout: Duration) -> String {
    switch error {
    case let error as NIOConnectionError:
        error.connectionErrors.first.map { words(for: $0.error, timeout: timeout) } ?? "cannot connect"
    // Who hung up is noticed while reading or while writing, whichever comes first.
    case let error as IOError where error.errnoCode == EPIPE: words(for: ClosedWithoutAnswer(), timeout: timeout)
    case ChannelError.ioOnClosedChannel, ChannelError.alreadyClosed, ChannelError.eof, ChannelError.inputClosed,
        ChannelError.outputClosed:
        words(for: ClosedWithoutAnswer(), timeout: timeout)
    case let error as IOError: String(cString: strerror(error.errnoCode)).lowercased()
    case is ChannelError where "\(error)".contains("connectTimeout"): CheckAnswer.late(timeout).message
    case is ClosedWithoutAnswer: "the connection was closed without an answer"
    case is HTTPParserError: "the answer is not HTTP"
    case let error as NIOSSLError: TLSWords.words(for: error)
    case let error as NIOSSLExtraError: TLSWords.words(for: error)
    default: "\(error)"
    }
}

/// Text from elsewhere as part of a message: what can be printed of its first line that is not blank, `limit` characters at most.
package func printableLine(_ bytes: some Collection<UInt8>, upTo limit: Int = 200) -> String {
    for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
        let characters = line.drop(while: \.isWhitespace).prefix(limit).map { character in
            character.unicodeScalars.allSatisfy(\.isPrintable) ? character : "?"
        }
        let text = String(characters[..<(characters.lastIndex { !$0.isWhitespace }.map { $0 + 1 } ?? 0)])
        if !text.isEmpty { return text }
    }
    return ""
}

extension Unicode.Scalar {
    fileprivate var isPrintable: Bool {
        switch properties.generalCategory {
        case .control, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator, .format: false
        default: true
        }
    }
}
