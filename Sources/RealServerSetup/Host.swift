internal import CLinux
internal import Glibc
internal import Netlink
internal import NetworkAddress

/// The edge to the host: it can be read, and one change at a time can be made to it.
public protocol Host: Sendable {
    /// What the host is now.
    func snapshot() throws(SetupError) -> HostSnapshot
    /// Makes one change. Throws where it was not made.
    func perform(_ change: Change) throws(SetupError)
}

/// The kernel, in the network namespace of the calling thread.
public struct KernelHost: Host {
    /// Nothing is opened or touched yet.
    public init() {}

    /// Reads interfaces, addresses and the ARP sysctls. Needs no capability. Equivalent to: `ip addr; sysctl -a`.
    public func snapshot() throws(SetupError) -> HostSnapshot {
        let links: [Link]
        let addresses: [InterfaceAddress]
        do throws(NetlinkError) {
            let network = try Network()
            links = try network.links()
            addresses = try network.addresses()
        } catch {
            throw .netlink(error)
        }
        // Frames for a port are taken by its master, which answers in its own name.
        let masters = Set(links.filter { ["bridge", "bond", "team"].contains($0.kind) }.map(\.index))
        return HostSnapshot(
            interfaces: links.map { link in
                HostSnapshot.Interface(
                    index: link.index, name: link.name, isUp: link.isUp, isLoopback: link.isLoopback,
                    speaksARP: !link.isLoopback && !link.isARPDisabled && !(link.master.map(masters.contains) ?? false),
                    arp: link.ipv4.map { ARPSettings(ignore: $0.arpIgnore, announce: $0.arpAnnounce) })
            },
            addresses: addresses.compactMap { address in
                address.prefix.address.v4.map {
                    HostSnapshot.Address(
                        interface: address.interface, address: $0, prefixLength: address.prefix.length,
                        label: address.label)
                }
            },
            all: ARPSettings(
                ignore: try read(ARPSysctl(.arpIgnore, of: .all)), announce: try read(ARPSysctl(.arpAnnounce, of: .all))
            ))
    }

    /// Makes one change. Needs CAP_NET_ADMIN. Equivalent to the command in `change.description`.
    public func perform(_ change: Change) throws(SetupError) {
        switch change {
        case .set(let sysctl, _, let value):
            switch sysctl.scope {
            // conf.all belongs to no link: rtnetlink cannot set it.
            case .all: try File.write(Array("\(value)\n".utf8), to: sysctl.path, flags: 0)
            case .interface(let index, let name):
                try netlink { network throws(NetlinkError) in
                    try network.set(sysctl.key.netlinkSetting, to: value, interface: index, interfaceName: name)
                }
            }
        case .addAddress(let vip, let index, let name):
            let address = Self.address(vip, index, name)
            try netlink { network throws(NetlinkError) in try network.add(address, interfaceName: name) }
        case .removeAddress(let vip, let index, let name):
            let address = Self.address(vip, index, name)
            try netlink { network throws(NetlinkError) in try network.remove(address, interfaceName: name) }
        }
    }

    private static func address(_ vip: IPv4Address, _ index: Int32, _ name: String) -> InterfaceAddress {
        InterfaceAddress(interface: index, prefix: Prefix(host: .v4(vip)), label: Change.label(interfaceName: name))
    }

    private func netlink(_ body: (borrowing Network) throws(NetlinkError) -> Void) throws(SetupError) {
        do throws(NetlinkError) {
            try body(try Network())
        } catch {
            throw .netlink(error)
        }
    }

    private func read(_ sysctl: ARPSysctl) throws(SetupError) -> Int {
        guard let text = try File.read(sysctl.path) else {
            throw File.failure("read", sysctl.path, ENOENT)
        }
        let digits = String(decoding: text.filter { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        guard let value = Int(digits) else {
            throw .file(operation: "read", path: sysctl.path, reason: "\"\(digits)\" is not a number")
        }
        return value
    }
}

extension ARPSysctl.Key {
    var netlinkSetting: IPv4Setting {
        switch self {
        case .arpIgnore: .arpIgnore
        case .arpAnnounce: .arpAnnounce
        }
    }
}

/// Capabilities of this process (capabilities(7)).
public enum Capability {
    /// Throws `SetupError.missingCapability` where CAP_NET_ADMIN is not in the effective set.
    public static func requireNetworkAdministration() throws(SetupError) {
        let isPresent = clinux_effective_capabilities() & 1 << UInt64(CAP_NET_ADMIN) != 0
        guard isPresent else { throw .missingCapability("CAP_NET_ADMIN") }
    }
}
