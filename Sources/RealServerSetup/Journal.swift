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

    enum Entry: Codable, Sendable, Equatable {
        case sysctl(name: ARPSysctl.Key, interface: String, index: Int32?, original: Int, written: Int)
        case address(IPv4Address, interface: String, index: Int32)
    }

    static let version = 1
}

extension Journal {
    /// What teardown has to look at, in the order it does: addresses before sysctls, the newest first.
    enum Target: Sendable, Equatable {
        case address(IPv4Address, interface: String, index: Int32)
        case sysctl(ARPSysctl, original: Int, written: Int)
    }

    var targets: [Target] {
        var addresses: [Target] = []
        var sysctls: [(sysctl: ARPSysctl, original: Int, written: Int)] = []
        for entry in entries {
            switch entry {
            case .address(let address, let interface, let index):
                let target = Target.address(address, interface: interface, index: index)
                if !addresses.contains(target) { addresses.append(target) }
            case .sysctl(let key, let interface, let index, let original, let written):
                let sysctl = ARPSysctl(key, of: index.map { .interface(index: $0, name: interface) } ?? .all)
                // The interface is known by its index: it may have been renamed since.
                if let known = sysctls.firstIndex(where: { $0.sysctl.isSame(as: sysctl) }) {
                    sysctls[known].written = written
                } else {
                    sysctls.append((sysctl, original, written))
                }
            }
        }
        return addresses.reversed()
            + sysctls.reversed().map { .sysctl($0.sysctl, original: $0.original, written: $0.written) }
    }

    /// Whether a change is on record well enough that making it again adds nothing: a repair does not make the journal grow.
    func covers(_ entry: Entry) -> Bool {
        switch entry {
        case .address: entries.contains(entry)
        case .sysctl(let key, _, let index, _, let written):
            // The last line for this sysctl is the one whose value is compared on the way back.
            entries.last {
                if case .sysctl(key, _, index, _, _) = $0 { true } else { false }
            }.map { if case .sysctl(_, _, _, _, written) = $0 { true } else { false } } ?? false
        }
    }

    /// The addresses that rsagent added.
    var ownedAddresses: Set<IPv4Address> {
        Set(entries.compactMap { if case .address(let address, _, _) = $0 { address } else { nil } })
    }
}

extension Journal.Entry {
    /// The record of a change about to be made, or nil where there is nothing to put back: an address that was added by
    /// rsagent and is removed again.
    init?(_ change: Change) {
        switch change {
        case .set(let sysctl, let original, let value):
            switch sysctl.scope {
            case .all:
                self = .sysctl(name: sysctl.key, interface: "all", index: nil, original: original, written: value)
            case .interface(let index, let name):
                self = .sysctl(name: sysctl.key, interface: name, index: index, original: original, written: value)
            }
        case .addAddress(let address, let index, let name): self = .address(address, interface: name, index: index)
        case .removeAddress: return nil
        }
    }
}

extension ARPSysctl {
    func isSame(as other: ARPSysctl) -> Bool {
        switch (scope, other.scope) {
        case (.all, .all): key == other.key
        case (.interface(let index, _), .interface(let otherIndex, _)): key == other.key && index == otherIndex
        default: false
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
