internal import CLinux
internal import Glibc

/// The run directory, locked, with the journal in it.
///
/// The lock is flock(2) on the directory itself: it leaves no file behind and is gone with the process, however it ended.
/// A directory that rsagent makes appears whole, with the journal's header in it, by one rename(2): so it is known at any
/// moment whether the directory was ours to make and is ours to remove.
final class RunDirectory: Sendable {
    let path: String
    private let descriptor: Int32

    var journalPath: String { "\(path)/journal" }

    /// Opens and locks the directory; makes it where it is missing. Its parent must exist.
    static func making(_ path: String) throws(SetupError) -> RunDirectory {
        if let directory = try RunDirectory(existing: path) { return directory }
        try make(path)
        guard let directory = try RunDirectory(existing: path) else { throw File.failure("open", path, ENOENT) }
        return directory
    }

    /// Opens and locks the directory, or is nil where there is none.
    init?(existing path: String) throws(SetupError) {
        try Self.sweep(path)
        self.path = path
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            switch errno {
            case ENOENT: return nil
            case ENOTDIR:
                throw .file(operation: "open", path: path, reason: "it is no folder; remove it, or set another run_dir")
            default: throw File.failure("open", path)
            }
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            throw code == EWOULDBLOCK ? .runDirectoryLocked(path: path) : File.failure("lock", path, code)
        }
        self.descriptor = descriptor
    }

    deinit {
        // Said aloud: closing alone would leave the lock to a child that was forked meanwhile and has yet to exec.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// Where a directory is while it is being made or removed.
    private static func scratch(_ path: String) -> String { "\(path).rsagent-new" }

    /// Removes what a crash left of a directory that was being made or removed. It is looked for first: on a read-only file
    /// system, as the unit's `ProtectSystem=strict` makes of /run, removing what is not there fails with EROFS.
    private static func sweep(_ path: String) throws(SetupError) {
        let scratch = scratch(path)
        guard access(scratch, F_OK) == 0 else { return }
        try File.remove("\(scratch)/journal")
        guard rmdir(scratch) == 0 else { throw File.failure("remove", scratch) }
    }

    private static func make(_ path: String) throws(SetupError) {
        let scratch = scratch(path)
        guard mkdir(scratch, 0o755) == 0 else {
            guard errno == ENOENT else { throw File.failure("make", path) }
            throw .file(
                operation: "make", path: path,
                reason: "the folder above it does not exist; make that, or set another run_dir")
        }
        let header = try Journal.Header.current(createdRunDirectory: true)
        try File.write(Journal.line(header), to: "\(scratch)/journal", flags: O_CREAT | O_EXCL)
        try File.rename(scratch, to: path)
    }

    /// The journal as it is, or nil where there is none.
    func journal() throws(SetupError) -> Journal? {
        // What a crash left of a journal that was being replaced.
        try File.remove("\(journalPath).new")
        guard let text = try File.read(journalPath) else { return nil }
        return try Journal(parsing: text, path: journalPath)
    }

    /// Begins a journal where there is none, and cuts off what a crash left of a last line.
    func beginJournal() throws(SetupError) -> Journal {
        try File.remove("\(journalPath).new")
        guard let text = try File.read(journalPath) else {
            let journal = Journal(header: try .current(createdRunDirectory: false), entries: [])
            try replaceJournal(journal)
            return journal
        }
        let journal = try Journal(parsing: text, path: journalPath)
        let current = try Journal.Header.current(createdRunDirectory: false)
        if journal.header.boot == current.boot, journal.header.namespace != current.namespace,
            NetworkNamespace.exists(inode: journal.header.namespace)
        {
            throw .journal(
                path: journalPath, problem: "it records another network namespace, which still exists",
                cure: "run teardown there first, or set another run_dir here")
        }
        guard journal.header.boot == current.boot, journal.header.namespace == current.namespace else {
            // What it records went with its boot or its namespace. It is kept aside for a person to look at.
            try File.rename(journalPath, to: "\(journalPath).stale")
            var fresh = Journal(header: current, entries: [])
            fresh.header.createdRunDirectory = journal.header.createdRunDirectory
            try replaceJournal(fresh)
            return fresh
        }
        if text.last != UInt8(ascii: "\n") { try replaceJournal(journal) }
        return journal
    }

    /// The journal that was set aside, or nil where there is none.
    var staleJournal: String? { access("\(journalPath).stale", F_OK) == 0 ? "\(journalPath).stale" : nil }

    /// Adds lines. They are on their medium when this returns.
    func append(_ entries: [Journal.Entry]) throws(SetupError) {
        try File.write(entries.reduce(into: []) { $0 += Journal.line($1) }, to: journalPath, flags: O_APPEND)
    }

    /// Takes out of the journal what was set on interfaces that are gone, once that is a good part of it: on a host where
    /// containers come and go it would grow for ever.
    func shorten(_ journal: inout Journal, for pulse: HostPulse) throws(SetupError) {
        let present = Set(pulse.interfaces.map(\.index))
        let entries = journal.entries.filter { entry in
            if case .sysctl(_, _, let index?, _, _) = entry { present.contains(index) } else { true }
        }
        guard journal.entries.count - entries.count > 64 else { return }
        var shorter = journal
        shorter.entries = entries
        try replaceJournal(shorter)
        journal = shorter
    }

    /// Puts another journal in the place of the present one, whole or not at all.
    func replaceJournal(_ journal: Journal) throws(SetupError) {
        let scratch = "\(journalPath).new"
        try File.write(journal.text, to: scratch, flags: O_CREAT | O_TRUNC)
        try File.rename(scratch, to: journalPath)
    }

    /// Removes the journal, and the directory where rsagent made it and nothing else lies in it.
    func removeJournal(_ journal: Journal) throws(SetupError) {
        // The control socket of an agent that was killed: nobody listens, for whoever is here holds the claim and the lock.
        if File.isSocket("\(path)/control.sock") { try File.remove("\(path)/control.sock") }
        guard journal.header.createdRunDirectory else { return try File.remove(journalPath) }
        // The other way round from make(): the directory goes out of sight whole, so that a crash leaves no directory
        // that looks as if someone else had made it.
        let others = try File.names(in: path).filter { $0 != "journal" }
        guard others.isEmpty else { return try File.remove(journalPath) }
        let scratch = Self.scratch(path)
        try File.rename(path, to: scratch)
        try File.remove("\(scratch)/journal")
        guard rmdir(scratch) == 0 else { throw File.failure("remove", scratch) }
    }
}

extension Journal.Header {
    /// The header of a journal begun now, here.
    static func current(createdRunDirectory: Bool) throws(SetupError) -> Self {
        return Self(
            journal: Journal.version,
            boot: try Boot.identifier(), namespace: try NetworkNamespace.current(),
            createdRunDirectory: createdRunDirectory)
    }
}
