import Fuzzing
import NIOCore

@testable import HealthReporter

/// One caller of the line endpoint, which does one thing after the other.
final class LineCaller {
    enum End {
        /// Reads to the end.
        case stay
        /// Says that it has nothing more to say, and reads to the end.
        case sayGoodbye
        case hangUp
        case reset
    }

    struct Script {
        /// What it says, in pieces.
        var says: [[UInt8]]
        var end: End
    }

    let script: Script
    private let connection: LoopbackConnection?
    private let deadline: ContinuousClock.Instant
    private var step = 0
    /// Whether all it said was said while the endpoint was still there.
    private var wasInTime = true
    private var answer: (bytes: [UInt8], wasReset: Bool)?

    init(to port: UInt16, doing script: Script) {
        self.script = script
        // Before it is connected, so that the endpoint's time runs longer.
        deadline = .now + Duration(AgentCheckServer.lingering) / 2
        connection = LoopbackConnection(to: port)
    }

    /// Does the next thing; false where that was the last.
    func goOn() -> Bool {
        guard let connection else { return false }
        guard step == script.says.count else {
            connection.send(script.says[step][...])
            step += 1
            wasInTime = wasInTime && .now < deadline
            return true
        }
        switch script.end {
        case .stay: answer = connection.rest()
        case .sayGoodbye:
            connection.endInput()
            answer = connection.rest()
        case .hangUp: break
        case .reset: connection.resetWhenClosed()
        }
        return false
    }

    /// Whether the line is all it may get: it stays for it, and has said neither too much nor anything too late.
    var isOwedTheLine: Bool {
        [.stay, .sayGoodbye].contains(script.end) && wasInTime
            && script.says.reduce(0) { $0 + $1.count } <= AgentCheckServer.mostInput
    }

    /// What is wrong with what it got; nil: nothing.
    func problem(awaiting line: [UInt8]) -> String? {
        guard connection != nil else { return "no connection" }
        guard [.stay, .sayGoodbye].contains(script.end) else { return nil }
        guard let answer else { return "no end of it within \(LoopbackConnection.patience) s" }
        let got = String(decoding: answer.bytes, as: UTF8.self).debugDescription
        let wanted = String(decoding: line, as: UTF8.self).debugDescription
        // Who said too much is hung up on, and may lose the line with that.
        let isRight = answer.bytes == line && !answer.wasReset || !isOwedTheLine && [[], line].contains(answer.bytes)
        return isRight ? nil : "got \(got)\(answer.wasReset ? " and a reset" : ""), not \(wanted)"
    }
}

extension LineCaller.Script {
    /// Most say a little, as `agent-send` would, or nothing; a few too much.
    init(_ random: inout SplitMix) {
        says = (0..<max(0, random.below(6) - 2)).map { _ in
            let length = random.once(in: 20) ? random.below(3 * AgentCheckServer.mostInput) : 1 + random.below(40)
            return random.once(in: 3) ? Array("up ready 100%\n".utf8) : random.bytes(length)
        }
        end =
            switch random.below(20) {
            case 0..<8: .stay
            case 8..<15: .sayGoodbye
            case 15..<18: .hangUp
            default: .reset
            }
    }
}

extension LineCaller.Script: CustomStringConvertible {
    var description: String {
        "who says \(says.map { String(decoding: $0.prefix(200), as: UTF8.self).debugDescription }), then \(end)"
    }
}

extension Duration {
    fileprivate init(_ amount: TimeAmount) { self = .nanoseconds(amount.nanoseconds) }
}
