import NIOCore
import Synchronization

/// When checks of the same interval are asked: together, in rounds.
///
/// What a question costs on an idle host is mostly to be woken up for it, and to find in no cache what it needs; a round pays that
/// once. Each round is a little off, as a whole. Where there are many checks, they follow one another by one `Beat` in crowds, so
/// that nothing else the agent does waits long. For what costs little but that: no program is started, no secret negotiated.
final class Rounds: Sendable {
    /// How many are asked at the same moment.
    static let crowd = 16
    /// This process's.
    static let own = Rounds(beat: .own)

    /// The rounds of one interval.
    private struct Series {
        var members = 0
        /// When the first crowd's latest round is; nil: there was none.
        var latest: NIODeadline?
    }

    private let beat: Beat
    private let series = Mutex<[Duration: Series]>([:])

    init(beat: Beat) { self.beat = beat }

    /// A place for one check, for as long as it is asked.
    ///
    /// - Parameter interval: from one round to the next, on average; at least `Beat.shortestWait`.
    func join(every interval: Duration) -> Place {
        series.withLock { series in
            let number = series[interval, default: Series()].members
            series[interval, default: Series()].members += 1
            // Of more crowds than an interval has beats some share one.
            let crowd = number / Self.crowd % max(1, Int(interval / Beat.interval))
            return Place(rounds: self, interval: interval, behind: TimeAmount(Beat.interval) * crowd)
        }
    }

    /// A check's place in the rounds of its interval.
    struct Place: Sendable {
        fileprivate let rounds: Rounds
        fileprivate let interval: Duration
        /// How long after the first crowd it is asked.
        fileprivate let behind: TimeAmount

        /// When the next question is due after one that was asked at `start`. Where it took long, that may be over already.
        func next(after start: NIODeadline, using random: inout some RandomNumberGenerator) -> NIODeadline {
            let jittered = interval * Double.random(in: CheckSchedule.jitters, using: &random)
            return rounds.series.withLock { series in
                // Whoever comes first says when the next round is.
                if let latest = series[interval]?.latest, latest + behind > start { return latest + behind }
                let round = rounds.beat.end(of: jittered, from: start - behind)
                series[interval]?.latest = round
                return round + behind
            }
        }
    }
}
