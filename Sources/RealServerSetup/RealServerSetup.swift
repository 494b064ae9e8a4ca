internal import Netlink
internal import NetworkAddress
internal import PacketFilter

/// Makes this host fit for its VIPs, and puts it back as it was.
///
/// Desired state → plan → apply → read back → revert. Each change is recorded in the journal before it is made, so that at
/// any moment, also after `kill -9`, the next `apply` or `teardown` knows what was there before.
/// One at a time per network namespace (`NamespaceClaim`) and per run directory (flock).
public struct RealServerSetup: Sendable {
    let request: SetupRequest
    let runDirectory: String
    let host: any Host

    /// - Parameters:
    ///   - request: what this host should be fit for.
    ///   - runDirectory: where the journal is kept; made where it is missing, its parent must exist.
    ///   - host: the host to read and change.
    public init(_ request: SetupRequest, runDirectory: String, host: any Host = KernelHost()) {
        self.request = request
        self.runDirectory = runDirectory
        self.host = host
    }

    /// What `apply` would do now. Changes nothing, needs no capability, takes no lock.
    public func plan() throws(SetupError) -> Plan { try survey().plan }

    /// The host as it is, and what `apply` would do now. Changes nothing, needs no capability, takes no lock.
    func survey() throws(SetupError) -> (host: HostSnapshot, plan: Plan) {
        let path = "\(runDirectory)/journal"
        let journal = try File.read(path).map { text throws(SetupError) in try Journal(parsing: text, path: path) }
        let ownership = journal?.ownership ?? Ownership()
        var snapshot = try host.snapshot(for: request)
        // Nobody but an administrator may read nftables: then what is on record is believed.
        if !Capability.hasNetworkAdministration {
            if case .guardTable(let table)? = ownership.made[.guardTable]?.last {
                snapshot.guardTable = .present(table)
            }
            if case .arpWall(let wall)? = ownership.made[.arpWall]?.last { snapshot.arpWall = .present(wall) }
        }
        return (snapshot, Plan(request, host: snapshot, ownership: ownership))
    }

    /// Makes the changes and verifies them by reading the kernel back. Returns what was changed: nothing where the host was
    /// fit already. Where a change fails, those made before it in this run are undone. Needs CAP_NET_ADMIN.
    @discardableResult
    public func apply() throws(SetupError) -> [Plan.Step] {
        let directory = try RunDirectory.making(runDirectory)
        let steps = try apply(in: directory)
        // Where nothing was changed, nothing is left behind either.
        if steps.isEmpty { try discardIfEmpty(try directory.beginJournal(), in: directory) }
        return steps
    }

    /// How often the host is looked at and changed before what is still missing is a failure: interfaces come and go meanwhile.
    private static let rounds = 4

    /// The same in a directory that is kept open: it and its journal stay, also where nothing was changed, unless it throws.
    func apply(in directory: RunDirectory) throws(SetupError) -> [Plan.Step] {
        let journal = try directory.beginJournal()
        var performed: [Plan.Step] = []
        do throws(SetupError) {
            try makeFit(journal, in: directory, &performed)
            return performed
        } catch {
            // Whatever it was, also that the journal could not be written or the host not be read again.
            let leftovers = undo(performed.map(\.change), keeping: journal, in: directory)
            switch error {
            case .applyFailed(let change, let reason, _):
                throw .applyFailed(change: change, reason: reason, leftovers: leftovers)
            case .notInForce(let missing, _): throw .notInForce(missing: missing, leftovers: leftovers)
            case _ where leftovers.isEmpty: throw error
            default: throw .notInForce(missing: [error.description], leftovers: leftovers)
            }
        }
    }

    /// Changes the host until it is fit, round after round. Where it throws, `performed` is what has been changed.
    private func makeFit(
        _ journal: Journal, in directory: RunDirectory, _ performed: inout [Plan.Step]
    ) throws(SetupError) {
        var record = Record(journal)
        var plan = try plan(journal)
        for _ in 0..<Self.rounds {
            guard plan.refusals.isEmpty else { throw .refused(plan.refusals) }
            try record.write(entries(plan, beyond: record.journal), in: directory)
            for step in plan.steps {
                performed.append(step)
                do throws(SetupError) {
                    try perform(step.change)
                } catch {
                    throw .applyFailed(change: step.change, reason: error.description, leftovers: [])
                }
            }
            plan = try self.plan(record.journal)
            if plan.isEmpty { return }
        }
        throw .notInForce(missing: plan.refusals.map(\.problem) + plan.steps.map(\.reason), leftovers: [])
    }

    /// What a look at a host that is to be kept fit came to.
    struct Repair {
        /// What was changed.
        var steps: [Plan.Step] = []
        /// What could not be changed, and why, in words.
        var failures: [String] = []
        /// What is still wrong.
        var plan: Plan
    }

    /// Makes what changes it can: a refusal or a failure of one does not stand in the way of another, and nothing is undone.
    /// For the time when the host serves: then every change that hides a VIP is better made than not.
    ///
    /// - Parameters:
    ///   - record: what was changed before; what is changed now is added to it. Where it cannot be written, nothing new is begun
    ///     but what hides a VIP.
    ///   - directory: where it is written before anything is changed.
    ///   - directors: by way of whom answers go back now; nil: any of the request's.
    ///   - isDue: whether a change may be made now: what somebody else undoes at once every time is not fought over in a loop.
    func repair(
        _ record: inout Record, in directory: RunDirectory, preferring directors: [IPAddress]? = nil,
        where isDue: (Change) -> Bool = { _ in true }
    ) throws(SetupError) -> Repair {
        var repair = Repair(plan: try plan(record.journal, preferring: directors))
        for _ in 0..<Self.rounds
        where !repair.plan.steps.isEmpty || !repair.plan.unrecorded.isEmpty || record.isBehind {
            var due = repair.plan.steps.filter { isDue($0.change) }
            repair.failures = []
            do throws(SetupError) {
                try record.write(entries(repair.plan, beyond: record.journal), in: directory)
            } catch {
                repair.failures.append("what rsagent changes cannot be put on record: \(error)")
                due = due.filter { $0.topic == .arp || record.covers($0.change) }
                record.remember(record.journal.uncovered(due.compactMap { Journal.Entry($0.change) }))
            }
            for step in due {
                do throws(SetupError) {
                    try perform(step.change)
                    repair.steps.append(step)
                } catch {
                    repair.failures.append("\(step.change): \(error)")
                }
            }
            repair.plan = try plan(record.journal, preferring: directors)
            if due.isEmpty { break }
        }
        return repair
    }

    private func plan(_ journal: Journal, preferring directors: [IPAddress]? = nil) throws(SetupError) -> Plan {
        Plan(
            request, host: try host.snapshot(for: request), ownership: journal.ownership, preferring: directors)
    }

    /// What has to be written down, in one piece, before a plan is carried out.
    private func entries(_ plan: Plan, beyond journal: Journal) -> [Journal.Entry] {
        journal.uncovered(plan.unrecorded + plan.steps.compactMap { Journal.Entry($0.change) })
    }

    /// Makes a change. That an interface has gone meanwhile, or that the VIP has come, is no failure: the next look tells
    /// what is left to do.
    private func perform(_ change: Change) throws(SetupError) {
        do throws(SetupError) {
            try host.perform(change)
        } catch .netlink(let error) where error.isAlreadyAbsent || error.isAlreadyPresent {
        }
    }

    /// Puts back everything the journal records that is still as rsagent left it, verifies, and removes the journal.
    /// Returns what was changed back, and what was left because someone else has changed it since. Needs CAP_NET_ADMIN.
    public func teardown() throws(SetupError) -> Teardown {
        guard let directory = try RunDirectory(existing: runDirectory) else { return Teardown() }
        return try teardown(in: directory)
    }

    /// The same in a directory that is kept open. What is remembered of the record counts, where it is given: the directory may
    /// have been emptied, or have become read-only.
    func teardown(in directory: RunDirectory, remembering record: Record? = nil) throws(SetupError) -> Teardown {
        let journal: Journal
        if let record {
            journal = record.journal
        } else if let written = try directory.journal() {
            journal = written
        } else {
            return Teardown()
        }
        let current = try Journal.Header.current(createdRunDirectory: false)
        guard journal.header.namespace == current.namespace, journal.header.boot == current.boot else {
            throw .journal(
                path: directory.journalPath, problem: "it records another network namespace or another boot",
                cure: "run teardown there, or, if that is gone, remove the file")
        }
        var teardown = Teardown()
        var problems: [String] = []
        let targets = journal.targets
        let before = try host.snapshot(for: request)
        let held = before.addressesByValue
        if let stray = before.stray(from: journal.ownership) {
            throw .journal(
                path: directory.journalPath,
                problem:
                    "lines are missing: what bears rsagent's name on this host is not on record; nothing was touched",
                cure: "remove that by hand (\(stray.removing)), and run rsagent teardown again")
        }
        for target in targets {
            // While something that lets packets in could not be removed, what hides and guards it stays.
            if target.isProtection, !problems.isEmpty { continue }
            switch before.restoration(of: target, held) {
            case .nothing: break
            case .leave(let why): teardown.left.append(why)
            case .change(let change):
                do throws(SetupError) {
                    try perform(change)
                    teardown.changes.append(change)
                } catch {
                    problems.append(error.description)
                }
            }
        }
        let after = try host.snapshot(for: request)
        let stillHeld = after.addressesByValue
        for target in targets {
            if case .change(let change) = after.restoration(of: target, stillHeld) {
                problems.append("still to be done: \(change)")
            }
        }
        guard problems.isEmpty else { throw .teardownIncomplete(problems) }
        if let stale = directory.staleJournal {
            teardown.left.append(
                "\(stale): the record of another boot or namespace; remove it once that is of no interest")
        }
        do throws(SetupError) {
            try directory.removeJournal(journal)
        } catch {
            // The host is as it was; what lies about is a file.
            guard record != nil else { throw error }
            teardown.left.append("the run directory: \(error)")
        }
        return teardown
    }

    /// What a teardown did.
    public struct Teardown: Sendable, Hashable {
        /// The changes made to put the host back.
        public var changes: [Change] = []
        /// What was left as it is, and why.
        public var left: [String] = []

        init() {}
    }

    /// Reverses changes of this run, the last first, and takes them out of the journal. Returns what could not be reversed:
    /// then the journal keeps everything.
    private func undo(_ changes: [Change], keeping journal: Journal, in directory: RunDirectory) -> [String] {
        var leftovers: [String] = []
        do throws(SetupError) {
            if !changes.isEmpty {
                var snapshot = try host.snapshot(for: request)
                for change in changes.reversed() {
                    guard let inverse = snapshot.inverse(of: change, snapshot.addressesByValue) else { continue }
                    do throws(SetupError) {
                        try perform(inverse)
                        snapshot.foresee(inverse)
                    } catch {
                        leftovers.append(error.description)
                    }
                }
            }
            guard leftovers.isEmpty else { return leftovers }
            try directory.replaceJournal(journal)
            try discardIfEmpty(journal, in: directory)
        } catch {
            leftovers.append(error.description)
        }
        return leftovers
    }

    /// A journal that records nothing does not stay: where nothing was changed, nothing is left.
    private func discardIfEmpty(_ journal: Journal, in directory: RunDirectory) throws(SetupError) {
        if journal.ownership.made.isEmpty, !journal.entries.contains(where: \.isSysctl) {
            try directory.removeJournal(journal)
        }
    }
}
