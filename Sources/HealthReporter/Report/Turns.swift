/// Who is to be the only one for a while takes turns, in the order of arrival; for an actor, which lets others in whenever one
/// of its methods waits.
struct Turns {
    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// How many wait for theirs.
    var waitingCount: Int { waiting.count }

    /// Takes the turn where nobody has it.
    mutating func take() -> Bool {
        defer { isTaken = true }
        return !isTaken
    }

    /// Resumes `continuation` when its turn has come.
    mutating func wait(_ continuation: CheckedContinuation<Void, Never>) { waiting.append(continuation) }

    /// Gives the turn to the next.
    mutating func pass() {
        guard !waiting.isEmpty else {
            isTaken = false
            return
        }
        waiting.removeFirst().resume()
    }
}
