public import Netlink

/// What the kernel raises no event for when it changes: `arp_ignore` and `arp_announce` (RTNLGRP_IPV4_NETCONF does not carry
/// them), and UDP ports that unpack.
public struct HostPulse: Sendable, Hashable {
    /// The interfaces, with their settings.
    public var interfaces: [HostSnapshot.Interface]
    /// `net.ipv4.conf.all`.
    public var all: IPv4Settings
    /// The UDP ports that unpack GUE, where the request has any.
    public var encapsulationPorts: [EncapsulationPort]
}

/// The edge to the host: it can be read, and one change at a time can be made to it.
public protocol Host: Sendable {
    /// What the host is now, as far as it matters to `request`.
    func snapshot(for request: SetupRequest) throws(SetupError) -> HostSnapshot
    /// That part of a snapshot which changes without an event of the kernel's: read often, so it is small.
    func pulse(for request: SetupRequest) throws(SetupError) -> HostPulse
    /// Makes one change. Throws where it was not made.
    func perform(_ change: Change) throws(SetupError)
}
