internal import CLinux

/// Capabilities of this process (capabilities(7)).
public enum Capability {
    /// Whether CAP_NET_ADMIN is in the effective set of the calling thread.
    public static var hasNetworkAdministration: Bool { has(CAP_NET_ADMIN) }

    /// Whether CAP_NET_RAW is in the effective set of the calling thread: packet sockets can be opened.
    public static var hasRawPackets: Bool { has(CAP_NET_RAW) }

    /// Whether CAP_SYS_ADMIN is in the effective set of the calling thread: network namespaces can be made.
    public static var hasSystemAdministration: Bool { has(CAP_SYS_ADMIN) }

    /// Throws `SetupError.missingCapability` where CAP_NET_ADMIN is not in the effective set.
    public static func requireNetworkAdministration() throws(SetupError) {
        guard hasNetworkAdministration else { throw .missingCapability("CAP_NET_ADMIN") }
    }

    /// Throws `SetupError.missingCapability` where CAP_NET_RAW is not in the effective set.
    public static func requireRawPackets() throws(SetupError) {
        guard hasRawPackets else { throw .missingCapability("CAP_NET_RAW") }
    }

    private static func has(_ capability: Int32) -> Bool {
        clinux_effective_capabilities() & 1 << UInt64(capability) != 0
    }
}
