internal import Netlink
internal import NetworkAddress

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
    public func plan() throws(SetupError) -> Plan {
        let path = "\(runDirectory)/journal"
        let journal = try File.read(path).map { text throws(SetupError) in try Journal(parsing: text, path: path) }
        return Plan(request, host: try host.snapshot(), owned: journal?.ownedAddresses ?? [])
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
        var plan = try plan(owned: journal)
        for _ in 0..<Self.rounds {
            guard plan.refusals.isEmpty else {
                let leftovers = undo(performed.map(\.change), keeping: journal, in: directory)
                guard leftovers.isEmpty else {
                    throw .notInForce(missing: plan.refusals.map(\.problem), leftovers: leftovers)
                }
                throw .refused(plan.refusals)
            }
            for step in plan.steps {
                do throws(SetupError) {
                    performed.append(step)
                    try perform(step, journal, in: directory)
                } catch {
                    let leftovers = undo(performed.map(\.change), keeping: journal, in: directory)
                    throw .applyFailed(change: step.change, reason: error.description, leftovers: leftovers)
                }
            }
            plan = try self.plan(owned: journal)
            if plan.isEmpty { return performed }
        }
        let missing = plan.refusals.map(\.problem) + plan.steps.map(\.reason)
        throw .notInForce(missing: missing, leftovers: undo(performed.map(\.change), keeping: journal, in: directory))
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
    func repair(in directory: RunDirectory) throws(SetupError) -> Repair {
        let journal = try directory.beginJournal()
        var repair = Repair(plan: try plan(owned: journal))
        for _ in 0..<Self.rounds where !repair.plan.steps.isEmpty {
            repair.failures = []
            for step in repair.plan.steps {
                do throws(SetupError) {
                    try perform(step, journal, in: directory)
                    repair.steps.append(step)
                } catch {
                    repair.failures.append("\(step.change): \(error)")
                }
            }
            repair.plan = try plan(owned: journal)
        }
        return repair
    }

    private func plan(owned journal: Journal) throws(SetupError) -> Plan {
        Plan(request, host: try host.snapshot(), owned: journal.ownedAddresses)
    }

    /// Records a change and makes it. That an interface has gone meanwhile, or that the VIP has come, is no failure: the next
    /// look tells what is left to do.
    private func perform(_ step: Plan.Step, _ journal: Journal, in directory: RunDirectory) throws(SetupError) {
        if let entry = Journal.Entry(step.change), !journal.covers(entry) { try directory.append(entry) }
        do throws(SetupError) {
            try host.perform(step.change)
        } catch .netlink(let error) where error.isAlreadyAbsent || error.isAlreadyPresent {
        }
    }

    /// Puts back everything the journal records that is still as rsagent left it, verifies, and removes the journal.
    /// Returns what was changed back, and what was left because someone else has changed it since. Needs CAP_NET_ADMIN.
    public func teardown() throws(SetupError) -> Teardown {
        guard let directory = try RunDirectory(existing: runDirectory) else { return Teardown() }
        return try teardown(in: directory)
    }

    func teardown(in directory: RunDirectory) throws(SetupError) -> Teardown {
        guard let journal = try directory.journal() else { return Teardown() }
        let current = try Journal.Header.current(createdRunDirectory: false)
        guard journal.header.namespace == current.namespace, journal.header.boot == current.boot else {
            throw .journal(
                path: directory.journalPath, problem: "it records another network namespace or another boot",
                cure: "run teardown there, or, if that is gone, remove the file")
        }
        var teardown = Teardown()
        var problems: [String] = []
        for target in journal.targets {
            do throws(SetupError) {
                switch Self.restoration(of: target, on: try host.snapshot()) {
                case .nothing: break
                case .leave(let why): teardown.left.append(why)
                case .change(let change):
                    try host.perform(change)
                    teardown.changes.append(change)
                }
            } catch {
                problems.append(error.description)
            }
        }
        let after = try host.snapshot()
        for target in journal.targets {
            if case .change(let change) = Self.restoration(of: target, on: after) {
                problems.append("still to be done: \(change)")
            }
        }
        guard problems.isEmpty else { throw .teardownIncomplete(problems) }
        if let stale = directory.staleJournal {
            teardown.left.append(
                "\(stale): the record of another boot or namespace; remove it once that is of no interest")
        }
        try directory.removeJournal(journal)
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
}

extension RealServerSetup {
    enum Restoration: Equatable {
        case nothing
        case leave(String)
        case change(Change)
    }

    /// What putting `target` back takes on this host. A value is restored only while it is the one rsagent wrote: otherwise
    /// someone else has decided since, and theirs stays.
    static func restoration(of target: Journal.Target, on host: HostSnapshot) -> Restoration {
        switch target {
        case .sysctl(let recorded, let original, let written):
            var sysctl = recorded
            if case .interface(let index, _) = recorded.scope {
                guard let interface = host.interface(index) else { return .nothing }
                sysctl.scope = .interface(index: index, name: interface.name)
            }
            guard let value = host.value(of: sysctl), value != original else { return .nothing }
            guard value == written else {
                return .leave("\(sysctl) is \(value): rsagent had set \(written), someone else has changed it since")
            }
            return .change(.set(sysctl, from: value, to: original))
        case .address(let vip, let interface, let index):
            guard let present = host.addresses.first(where: { $0.interface == index && $0.address == vip }) else {
                return .nothing
            }
            guard present.prefixLength == 32, present.label == Change.label(interfaceName: interface) else {
                return .leave("\(vip)/\(present.prefixLength) on \(interface) is not the one rsagent added")
            }
            return .change(.removeAddress(vip, interface: index, interfaceName: interface))
        }
    }

    /// Reverses changes of this run, the last first, and takes them out of the journal. Returns what could not be reversed:
    /// then the journal keeps everything.
    private func undo(_ changes: [Change], keeping journal: Journal, in directory: RunDirectory) -> [String] {
        var leftovers: [String] = []
        for change in changes.reversed() {
            do throws(SetupError) {
                guard let inverse = Self.inverse(of: change, on: try host.snapshot()) else { continue }
                try host.perform(inverse)
            } catch {
                leftovers.append(error.description)
            }
        }
        guard leftovers.isEmpty else { return leftovers }
        do throws(SetupError) {
            try directory.replaceJournal(journal)
            try discardIfEmpty(journal, in: directory)
        } catch {
            leftovers.append(error.description)
        }
        return leftovers
    }

    /// The change that takes `change` back, or nil where it never took effect.
    private static func inverse(of change: Change, on host: HostSnapshot) -> Change? {
        switch change {
        case .set(let sysctl, let original, let written):
            host.value(of: sysctl) == written && written != original
                ? .set(sysctl, from: written, to: original) : nil
        case .addAddress(let vip, let index, let name):
            host.addresses.contains { $0.interface == index && $0.address == vip }
                ? .removeAddress(vip, interface: index, interfaceName: name) : nil
        case .removeAddress(let vip, let index, let name):
            host.addresses.contains { $0.interface == index && $0.address == vip }
                ? nil : .addAddress(vip, interface: index, interfaceName: name)
        }
    }

    /// A journal that records nothing does not stay: where nothing was changed, nothing is left.
    private func discardIfEmpty(_ journal: Journal, in directory: RunDirectory) throws(SetupError) {
        if journal.entries.isEmpty { try directory.removeJournal(journal) }
    }
}
