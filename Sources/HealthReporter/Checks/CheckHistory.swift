/// One answer to a check, before dampening.
struct CheckOutcome: Sendable, Equatable {
    /// Whether it was the wanted answer.
    var ok: Bool
    /// The answer in words; the same words for the same answer, so that nothing seems to change that does not.
    var message: String
    /// From the start of the check until its answer, or until it was given up.
    var latency: Duration
    /// What an operator should look into though the check may pass; nil: nothing. Words that stay the same while it does:
    /// the day on which a certificate ends, and not how many days are left.
    var warning: String?

    init(ok: Bool, message: String, latency: Duration, warning: String? = nil) {
        (self.ok, self.message, self.latency, self.warning) = (ok, message, latency, warning)
    }

    init(_ answer: CheckAnswer, latency: Duration) {
        self.init(ok: answer.ok, message: answer.message, latency: latency)
    }
}

/// What a check has answered so far, dampened: `rise` successes in a row make it pass, `fall` failures in a row make it fail.
///
/// It starts as failing: a server that just came up must show `rise` times that it works before it gets traffic.
struct CheckHistory: Sendable, Equatable {
    let rise: Int
    let fall: Int
    /// The dampened verdict.
    private(set) var ok = false
    /// Whether the verdict rests on enough answers: `rise` successes or `fall` failures in a row have been seen.
    private(set) var hasVerdict = false
    /// Since when `ok` has been what it is.
    private(set) var since: Timestamp
    /// The latest answer that agrees with the verdict; before there is one, the latest answer.
    private(set) var message = "not checked yet"
    /// How long the latest answer took.
    private(set) var latency: Duration?
    /// What the latest answer that could tell warned of. A connection that is refused shows no certificate: it neither
    /// warns nor takes a warning back.
    private(set) var warning: String?
    /// Whether the latest answer agrees with a verdict that rests on enough of them: nothing is about to change.
    private(set) var isSettled = false

    private var successesInARow = 0
    private var failuresInARow = 0

    init(rise: Int, fall: Int, since: Timestamp) {
        self.rise = rise
        self.fall = fall
        self.since = since
    }

    /// Whether it tells a director the same as `other` does.
    func says(_ other: CheckHistory) -> Bool {
        ok == other.ok && hasVerdict == other.hasVerdict && since == other.since && message == other.message
            && warning == other.warning
    }

    /// Takes an answer into account.
    ///
    /// A message changes only with an answer that agrees with the verdict: a single failure on the way to `fall` would
    /// otherwise make every report differ from the one before, and wake every director for nothing.
    mutating func record(_ outcome: CheckOutcome, at now: Timestamp) {
        latency = outcome.latency
        if outcome.ok {
            successesInARow += 1
            failuresInARow = 0
        } else {
            failuresInARow += 1
            successesInARow = 0
        }

        if !ok, successesInARow >= rise {
            (ok, since, hasVerdict) = (true, now, true)
        } else if ok, failuresInARow >= fall {
            (ok, since) = (false, now)
        } else if !hasVerdict, failuresInARow >= fall {
            hasVerdict = true
        }

        if outcome.ok || outcome.warning != nil { warning = outcome.warning }
        isSettled = hasVerdict && outcome.ok == ok
        if outcome.ok == ok {
            message = outcome.message
        } else if !hasVerdict {
            message = "\(outcome.message), \(successesInARow) of \(rise) successes"
        }
    }
}
