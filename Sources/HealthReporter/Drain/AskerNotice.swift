/// What one asker of plain questions about one service is known to have taken notice of.
///
/// What it says itself counts (HAProxy's `send-state`). One that says nothing may have to be refused several times before it
/// acts (keepalived's `retry`), or its answer may have been lost: it is taken to have noticed after four answers, or by asking
/// again ten seconds after it was first told. Answers within one round count once: two checks that ask the same cannot be told
/// apart.
struct AskerNotice: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// After how many answers one that says nothing is taken to have noticed.
    static let plainAnswers = 4
    /// How long after the first answer the next question shows the same.
    static let plainTime = Duration.seconds(10)
    /// An answer sooner than this after one that counted is of the same round. A little less than the second at which most ask,
    /// because no timer is exact.
    static let round = Duration.milliseconds(900)
    /// An asker that pauses for longer than this is gone, or for three of its own intervals, if those are longer.
    static let absence = Duration.seconds(10)
    /// How long one that has asked only once is given to ask again.
    static let longestInterval = Duration.seconds(90)

    /// Of how many generations answers are remembered. Forgetting older ones can only make a director be waited for longer.
    private static let generations = 8

    /// The answers that told the same generation.
    private struct Answers: Sendable {
        var generation: UInt64
        /// How many of them count.
        var count: Int
        var first: Instant
    }

    /// What it said last of its server; nil: nothing.
    private(set) var state: HAProxyServerState?
    private var answers: [Answers] = []
    /// The generation it said itself it acts on.
    private var said: UInt64 = 0
    private var questions = 0
    private var last: Instant?
    private var lastRound: Instant?
    /// The longest pause between two of its questions that was no absence.
    private var pause = Duration.zero

    /// Takes an answer into account.
    ///
    /// - Parameters:
    ///   - generation: what the answer tells.
    ///   - isOut: whether the answer says that the service wants no new connections.
    /// - Returns: whether it begins a round.
    mutating func tell(
        _ generation: UInt64, isOut: Bool, by question: PlainQuestion, at now: Instant
    ) -> Bool {
        if let last, now - last <= Self.longestInterval { pause = max(pause, now - last) }
        (last, state) = (now, question.state)
        questions += 1
        let isRound = lastRound.map { now - $0 >= Self.round } ?? true
        if isRound { lastRound = now }
        switch isOut ? question.actsOnDrain : nil {
        case true?: said = generation
        // It has not heard, or does no longer what it said it did.
        case false?: (said, answers) = (0, [])
        case nil: count(generation, isRound ? 1 : 0, at: now)
        }
        return isRound
    }

    private mutating func count(_ generation: UInt64, _ count: Int, at now: Instant) {
        if answers.last?.generation == generation {
            answers[answers.count - 1].count += count
        } else {
            if answers.count == Self.generations { answers.removeFirst() }
            answers.append(Answers(generation: generation, count: count, first: now))
        }
    }

    /// The latest generation it is known to have taken notice of; 0: none.
    var noticed: UInt64 { max(said, noticedPlainly) }

    private var noticedPlainly: UInt64 {
        guard let last else { return 0 }
        var count = 0
        for answer in answers.reversed() {
            count += answer.count
            if count >= Self.plainAnswers || last - answer.first >= Self.plainTime { return answer.generation }
        }
        return 0
    }

    /// Whether it asks again and again, as far as is known: who asks once may be somebody at a terminal.
    var isSteady: Bool { questions >= 2 || state != nil }

    /// Whether it asks no more.
    func isGone(at now: Instant) -> Bool {
        guard let last else { return true }
        return now - last > (isSteady ? max(Self.absence, pause * 3) : Self.longestInterval)
    }
}
