internal import Glibc
public import Netlink
public import PacketFilter

/// Why the host could not be read, changed or put back.
public enum SetupError: Error, Sendable {
    /// The kernel refused a request.
    case netlink(NetlinkError)
    /// The kernel's packet filter refused a request.
    case packetFilter(PacketFilterError)
    /// The kernel lacks a part that a change needs.
    case missingPart(KernelPart)
    /// A file could not be read or written: the operation, the path, and errno's text.
    case file(operation: String, path: String, reason: String)
    /// A capability is missing; nothing was touched.
    case missingCapability(String)
    /// Something that is not rsagent's to change stands in the way; nothing was touched.
    case refused([Plan.Refusal])
    /// A change failed; what had been changed before it was put back, except for `leftovers`.
    case applyFailed(change: Change, reason: String, leftovers: [String])
    /// Every request succeeded, but reading the kernel back shows the host is not as it should be; put back, except for
    /// `leftovers`.
    case notInForce(missing: [String], leftovers: [String])
    /// Part of the host could not be put back. The journal is kept: `rsagent teardown` goes on from it.
    case teardownIncomplete([String])
    /// Another rsagent keeps this network namespace; or a process of another user holds the name that stands for it.
    case namespaceTaken(pid: Int32?, user: UInt32?)
    /// Another rsagent works with the same run directory.
    case runDirectoryLocked(path: String)
    /// The journal cannot be used as it is.
    case journal(path: String, problem: String, cure: String)
}

extension SetupError: CustomStringConvertible {
    /// What failed, on what, why, and what to do.
    public var description: String {
        switch self {
        case .netlink(let error): return error.description
        case .packetFilter(let error): return error.description
        case .missingPart(let part): return "this kernel has no \(part.rawValue); \(part.cure)"
        case .file(let operation, let path, let reason): return "\(operation) \(path): \(reason)"
        case .missingCapability(let name):
            return
                "\(name) is missing, nothing was touched: run as root, or grant it (AmbientCapabilities= in the unit)"
        case .refused(let refusals):
            return "nothing was touched: " + refusals.map(\.description).joined(separator: "\n")
        case .applyFailed(let change, let reason, let leftovers):
            return "\(change): \(reason)" + Self.undone(leftovers)
        case .notInForce(let missing, let leftovers):
            return "applied, but not in force: " + missing.joined(separator: "; ") + Self.undone(leftovers)
        case .teardownIncomplete(let problems):
            return "not everything could be put back (the journal is kept; mend this and run rsagent teardown again): "
                + problems.joined(separator: "; ")
        case .namespaceTaken(let pid, let user):
            let holder = pid.map { " (pid \($0))" } ?? ""
            if let user, user != 0, user != geteuid() {
                return
                    "a process of user \(user)\(holder) holds the name @rsagent, which stands for this network namespace: find "
                    + "out what it is, and stop it"
            }
            return "another rsagent\(holder) keeps this network namespace: stop it first (systemctl stop rsagent)"
        case .runDirectoryLocked(let path):
            return "another rsagent works in \(path): stop it, or give this one a run_dir of its own"
        case .journal(let path, let problem, let cure):
            return "\(path): \(problem); \(cure)"
        }
    }

    private static func undone(_ leftovers: [String]) -> String {
        leftovers.isEmpty
            ? ". All changes of this run were undone"
            : ". Undone, except: \(leftovers.joined(separator: "; ")) (the journal is kept: rsagent teardown)"
    }
}
