internal import CLinux

/// What a network card and its driver do to packets before the kernel's own stack sees them.
public struct InterfaceOffloads: Sendable, Hashable {
    /// Large receive offload: the card joins segments into one packet that cannot be told apart again. What is forwarded or
    /// unpacked comes out wrong or not at all (Documentation/networking/scaling.rst; `dev_disable_lro()`, net/core/dev.c).
    public var joinsInHardware: Bool
    /// Generic receive offload: the kernel joins segments so that it can take them apart again. Harmless.
    public var joinsInSoftware: Bool

    /// Offloads made of their parts.
    public init(joinsInHardware: Bool, joinsInSoftware: Bool) {
        self.joinsInHardware = joinsInHardware
        self.joinsInSoftware = joinsInSoftware
    }

    /// Asks the driver, in the calling thread's namespace. Equivalent to: `ethtool -k INTERFACE`. Needs no capability.
    /// Returns nil where the driver cannot tell.
    static func read(interface name: String) -> InterfaceOffloads? {
        let flags = clinux_ethtool_value(name, UInt32(ETHTOOL_GFLAGS))
        let software = clinux_ethtool_value(name, UInt32(ETHTOOL_GGRO))
        guard flags >= 0 else { return nil }
        return InterfaceOffloads(
            joinsInHardware: flags & Int64(ETH_FLAG_LRO.rawValue) != 0, joinsInSoftware: software > 0)
    }
}
