/// Options of a service's scheduler, as ipvsadm(8) knows them: `sh-port`, `sh-fallback`, `mh-port`, `mh-fallback`. Other
/// schedulers than `sh` and `mh` have none and disregard them.
public struct SchedulerOptions: Hashable, Sendable {
    /// Whether the client's port is hashed with its address: its connections then spread over all servers.
    public var hashesPort: Bool
    /// Whether a connection whose server may get none (weight 0, or its upper threshold is reached) is given to another.
    /// Otherwise nobody answers it: draining a server then turns away the clients that hash to it.
    public var fallsBack: Bool

    /// IPVS's defaults unless told otherwise.
    public init(hashesPort: Bool = false, fallsBack: Bool = false) {
        self.hashesPort = hashesPort
        self.fallsBack = fallsBack
    }
}
