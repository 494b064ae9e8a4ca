internal import CNetlink
internal import Glibc

extension Network {
    /// The index of the interface with this name. Equivalent to: `ip link show NAME`.
    /// Throws where there is none (`NetlinkError.isAlreadyAbsent`).
    public func index(of name: String) throws(NetlinkError) -> Int32 {
        let index = if_nametoindex(name)
        guard index > 0 else { throw NetlinkError("find the interface \(name)", code: NLE_NODEV) }
        return Int32(index)
    }
}
