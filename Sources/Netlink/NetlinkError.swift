internal import CNetlink

/// A request the kernel, or libnl on the way to it, refused.
public struct NetlinkError: Error, Hashable, Sendable {
    /// What was asked for, as an operator would say it: `add 192.0.2.10/32 to lo`.
    public var operation: String
    /// libnl's error code, positive (`NLE_PERM` and so on, netlink/errno.h). errno says nothing after a libnl call.
    public var code: Int32

    init(_ operation: String, code: Int32) {
        self.operation = operation
        self.code = abs(code)
    }

    /// Whether a capability is missing: `NLE_PERM`, `NLE_NOACCESS`.
    public var isPermissionDenied: Bool { code == NLE_PERM || code == NLE_NOACCESS }

    /// Whether the thing was there already: `NLE_EXIST`.
    public var isAlreadyPresent: Bool { code == NLE_EXIST }

    /// Whether the thing, or the interface it was on, is gone: `NLE_NOADDR`, `NLE_NODEV`, `NLE_OBJ_NOTFOUND`.
    public var isAlreadyAbsent: Bool { code == NLE_NOADDR || code == NLE_NODEV || code == NLE_OBJ_NOTFOUND }

    /// Whether this kernel cannot do it, as it is built or without a module that is not loaded: `NLE_OPNOTSUPP` (also for
    /// a kind of device it does not know), `NLE_AF_NOSUPPORT` (IPv6 is not there).
    public var isUnsupported: Bool { code == NLE_OPNOTSUPP || code == NLE_AF_NOSUPPORT }
}

extension NetlinkError: CustomStringConvertible {
    /// The operation, the reason, and the capability where that is what is missing.
    public var description: String {
        let reason = String(cString: nl_geterror(code))
        let cure = isPermissionDenied ? " (needs CAP_NET_ADMIN in this network namespace)" : ""
        return "\(operation): \(reason)\(cure)"
    }
}
