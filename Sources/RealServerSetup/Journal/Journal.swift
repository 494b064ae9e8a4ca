internal import FoundationEssentials
internal import NetworkAddress

/// What was changed on this host and what was there before: one line of JSON per change, written *before* the change.
///
/// - A line that is not whole was cut off by a crash; its change was never begun, so it is ignored.
/// - The first original value of a sysctl survives every later run, the last value written is what is compared on the way back.
/// - Only what is recorded here is ever put back, and only while it is still as rsagent left it.
///
/// The journal lies in `run_dir`, which is gone after a reboot, like what it records.
struct Journal: Sendable, Equatable {
    /// What the first line says of the circumstances.
    var header: Header
    /// The changes, oldest first.
    var entries: [Entry]

    struct Header: Codable, Sendable, Equatable {
        /// The version of the format.
        var journal: Int
        /// `/proc/sys/kernel/random/boot_id` of the boot it belongs to.
        var boot: String
        /// The inode of the network namespace it belongs to.
        var namespace: UInt64
        /// Whether rsagent made the run directory, and so removes it in the end.
        var createdRunDirectory: Bool
    }

    enum Entry: Codable, Sendable, Hashable {
        /// A sysctl is about to go from `original` to `written`.
        case sysctl(name: IPv4Sysctl.Key, interface: String, index: Int32?, original: Int, written: Int)
        /// An object is about to be made.
        case made(HostObject)
        /// An object that the request needs was there already: it is somebody else's, and stays.
        case adopted(HostObject)
    }

    static let version = 1
}

extension Journal {
    /// What teardown has to look at.
    enum Target: Sendable, Equatable {
        /// An object, in every shape it was given, the last one first.
        case object([HostObject])
        case sysctl(IPv4Sysctl, original: Int, written: Int)

        /// Whether it hides a VIP or guards a tunnel.
        var isProtection: Bool {
            switch self {
            case .object(let shapes): shapes.first.map { $0.rank == 0 } ?? false
            case .sysctl: !letsPacketsIn
            }
        }

        /// Whether it is `rp_filter`.
        fileprivate var letsPacketsIn: Bool {
            if case .sysctl(let sysctl, _, _) = self { sysctl.key == .reversePathFilter } else { false }
        }
    }

    /// In the order of teardown: what lets packets in first, what hides and guards last; within that, the newest first.
    var targets: [Target] {
        let ownership = ownership
        var objects: [[HostObject]] = []
        var seen: Set<HostObject.Identity> = []
        var sysctls: [(sysctl: IPv4Sysctl, original: Int, written: Int)] = []
        for entry in entries {
            switch entry {
            case .made(let object):
                guard let shapes = ownership.made[object.identity], seen.insert(object.identity).inserted else {
                    continue
                }
                objects.append(shapes.reversed())
            case .adopted: break
            case .sysctl(let key, let interface, let index, let original, let written):
                let sysctl = IPv4Sysctl(key, of: index.map { .interface(index: $0, name: interface) } ?? .all)
                // The interface is known by its index: it may have been renamed since.
                if let known = sysctls.firstIndex(where: { $0.sysctl.isSame(as: sysctl) }) {
                    sysctls[known].written = written
                } else {
                    sysctls.append((sysctl, original, written))
                }
            }
        }
        let ordered = objects.reversed().enumerated().sorted {
            (-$0.element[0].rank, $0.offset) < (-$1.element[0].rank, $1.offset)
        }
        let restorations = sysctls.reversed().map {
            Target.sysctl($0.sysctl, original: $0.original, written: $0.written)
        }
        // Relaxing rp_filter let packets in; the other sysctls hide.
        return restorations.filter(\.letsPacketsIn) + ordered.map { .object($0.element) }
            + restorations.filter { !$0.letsPacketsIn }
    }

    /// The objects on record.
    var ownership: Ownership {
        var ownership = Ownership()
        for entry in entries {
            switch entry {
            case .made(let object):
                // What somebody else had placed is put back in their name.
                guard !ownership.adopted.contains(object) else { continue }
                if ownership.made[object.identity]?.contains(object) != true {
                    ownership.made[object.identity, default: []].append(object)
                }
            case .adopted(let object): ownership.adopted.insert(object)
            case .sysctl: break
            }
        }
        return ownership
    }

    /// Those of `entries` that are not on record well enough that a repair need not write them again: a host that is put
    /// right a thousand times has a short journal.
    func uncovered(_ entries: [Entry]) -> [Entry] {
        var latest: [HostObject.Identity: HostObject] = [:]
        var written: [SysctlKey: Int] = [:]
        var adopted: Set<HostObject> = []
        func note(_ entry: Entry) -> Bool {
            switch entry {
            case .made(let object):
                guard !adopted.contains(object) else { return false }
                return latest.updateValue(object, forKey: object.identity) != object
            case .adopted(let object): return adopted.insert(object).inserted
            // The last line for a sysctl is the one whose value is compared on the way back.
            case .sysctl(let name, _, let index, _, let value):
                return written.updateValue(value, forKey: SysctlKey(name: name, index: index)) != value
            }
        }
        for entry in self.entries { _ = note(entry) }
        return entries.filter(note)
    }

    private struct SysctlKey: Hashable {
        var name: IPv4Sysctl.Key
        var index: Int32?
    }
}

extension Journal.Entry {
    var isSysctl: Bool {
        if case .sysctl = self { true } else { false }
    }

    /// The record of a change about to be made, or nil where there is nothing to put back: what rsagent made and removes
    /// again, and an interface of its own that it sets up.
    init?(_ change: Change) {
        switch change {
        case .set(let sysctl, let original, let value):
            switch sysctl.scope {
            case .all:
                self = .sysctl(name: sysctl.key, interface: "all", index: nil, original: original, written: value)
            case .interface(let index, let name):
                // An interface that is yet to be made is rsagent's own, and goes with all that is set on it.
                guard index > 0 else { return nil }
                self = .sysctl(name: sysctl.key, interface: name, index: index, original: original, written: value)
            }
        case .add(.address(let address)) where address.interface <= 0: return nil
        case .add(let object): self = .made(object)
        case .remove, .bringUp: return nil
        }
    }
}

// As text.
extension Journal {
    /// Reads a journal. A last line without its newline was cut off by a crash and is left out.
    init(parsing text: [UInt8], path: String) throws(SetupError) {
        let decoder = JSONDecoder()
        var lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        lines.removeLast()
        let cure =
            "if this host was never set up, remove the file; otherwise undo by hand what its lines name, then remove it"
        guard let first = lines.first else {
            throw .journal(path: path, problem: "the first line is missing", cure: cure)
        }
        guard let header = try? decoder.decode(Header.self, from: Data(first)) else {
            throw .journal(path: path, problem: "line 1 is not a journal's header", cure: cure)
        }
        guard header.journal == Self.version else {
            throw .journal(
                path: path, problem: "format \(header.journal) was written by a newer rsagent",
                cure: "use that version to tear down")
        }
        self.header = header
        entries = []
        for (number, line) in lines.enumerated().dropFirst() {
            guard let entry = try? decoder.decode(Entry.self, from: Data(line)) else {
                throw .journal(path: path, problem: "line \(number + 1) cannot be read", cure: cure)
            }
            entries.append(entry)
        }
    }

    /// One value as a line.
    static func line(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // A header or an entry holds nothing but strings, numbers and flags: encoding it cannot fail.
        guard let data = try? encoder.encode(value) else { preconditionFailure("a journal line cannot be encoded") }
        return Array(data) + [UInt8(ascii: "\n")]
    }

    /// The whole journal as text.
    var text: [UInt8] { entries.reduce(into: Self.line(header)) { $0 += Self.line($1) } }
}

extension Plan {
    /// What is there and has yet to go on record.
    var unrecorded: [Journal.Entry] { claims.map { .made($0) } + adoptions.map { .adopted($0) } }
}
