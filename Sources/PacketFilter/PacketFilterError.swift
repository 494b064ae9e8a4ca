/// Why the kernel's packet filter did not take what it was given.
public struct PacketFilterError: Error, Hashable, Sendable {
    /// What was to be achieved: `install table netdev rsdirector`.
    public var operation: String
    /// What nftables said, without its trailing newline.
    public var message: String

    /// Creates an error.
    public init(operation: String, message: String) {
        self.operation = operation
        self.message = message
    }
}

extension PacketFilterError: CustomStringConvertible {
    /// What failed, and nftables' own words for why.
    public var description: String {
        let permission = message.contains("Operation not permitted") ? " (the process needs CAP_NET_ADMIN)" : ""
        return "packet filter: \(operation): \(message)\(permission)"
    }
}
