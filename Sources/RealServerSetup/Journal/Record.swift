/// The journal as whoever holds the directory's lock remembers it, so that a medium which fails, or a directory that is taken
/// away, does not take what is known along.
struct Record {
    /// All of it.
    private(set) var journal: Journal
    /// Whether the medium holds less than that.
    private(set) var isBehind = false

    init(_ journal: Journal) { self.journal = journal }

    /// Whether a change adds nothing to what is on record.
    func covers(_ change: Change) -> Bool {
        Journal.Entry(change).map { journal.uncovered([$0]).isEmpty } ?? true
    }

    /// Writes entries down, and with them what could not be written before. Where it throws, none of them is on record.
    mutating func write(_ entries: [Journal.Entry], in directory: RunDirectory) throws(SetupError) {
        guard !entries.isEmpty || isBehind else { return }
        var longer = journal
        longer.entries += entries
        if isBehind { try directory.replaceJournal(longer) } else { try directory.append(entries) }
        journal = longer
        isBehind = false
    }

    /// Keeps entries in mind that cannot be written now.
    mutating func remember(_ entries: [Journal.Entry]) {
        journal.entries += entries
        isBehind = true
    }

    /// Takes out what was set on interfaces that are gone, once that is a good part of it. That it cannot is no harm.
    mutating func shorten(for pulse: HostPulse, in directory: RunDirectory) {
        guard !isBehind else { return }
        do throws(SetupError) {
            try directory.shorten(&journal, for: pulse)
        } catch {
            isBehind = true
        }
    }
}
