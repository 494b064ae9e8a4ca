internal import Glibc
internal import Netlink
internal import NetworkAddress
internal import PacketFilter

/// The kernel, in the network namespace of the calling thread.
public struct KernelHost: Host {
    /// Nothing is opened or touched yet.
    public init() {}

    /// Makes one change. Needs CAP_NET_ADMIN. Equivalent to the command in `change.description`.
    public func perform(_ change: Change) throws(SetupError) {
        switch change {
        case .set(let sysctl, _, let value):
            switch sysctl.scope {
            // conf.all belongs to no link: rtnetlink cannot set it.
            case .all: try File.write(Array("\(value)\n".utf8), to: sysctl.path, flags: 0)
            case .interface(let index, let name):
                try netlink { network throws(NetlinkError) in
                    try network.set(
                        sysctl.key.netlinkSetting, to: value, interface: try network.index(index, name),
                        interfaceName: name)
                }
            }
        case .bringUp(let index, let name):
            try netlink { network throws(NetlinkError) in
                try network.setUp(true, interface: try network.index(index, name), interfaceName: name)
            }
        case .add(let object): try add(object)
        case .remove(let object): try remove(object)
        }
    }

    private func add(_ object: HostObject) throws(SetupError) {
        switch object {
        case .address(let placed):
            try netlink { network throws(NetlinkError) in
                let address = placed.interfaceAddress(try network.index(placed.interface, placed.interfaceName))
                try network.add(address, interfaceName: placed.interfaceName)
            }
        case .tunnel(let tunnel, let name):
            try netlink { network throws(NetlinkError) in try network.addTunnel(tunnel, name: name) }
        case .encapsulationPort(let port):
            let isThere = try ports { ports throws(NetlinkError) in try ports.add(port) }
            guard isThere else { throw .missingPart(.fou) }
        case .route(let route, _): try netlink { network throws(NetlinkError) in try network.add(route) }
        case .rule(let rule): try netlink { network throws(NetlinkError) in try network.add(rule) }
        case .guardTable(let table):
            try filter { nftables throws(PacketFilterError) in try table.install(nftables) }
        case .arpWall(let wall):
            try filter { nftables throws(PacketFilterError) in try wall.install(nftables) }
        }
    }

    private func remove(_ object: HostObject) throws(SetupError) {
        switch object {
        case .address(let placed):
            try netlink { network throws(NetlinkError) in
                try network.remove(
                    placed.interfaceAddress(placed.interface), interfaceName: placed.interfaceName)
            }
        case .tunnel(_, let name):
            try netlink { network throws(NetlinkError) in
                try network.removeLink(index: try network.index(0, name), name: name)
            }
        case .encapsulationPort(let port):
            _ = try ports { ports throws(NetlinkError) in try ports.remove(port) }
        case .route(let route, _): try netlink { network throws(NetlinkError) in try network.remove(route) }
        case .rule(let rule): try netlink { network throws(NetlinkError) in try network.remove(rule) }
        case .guardTable:
            try filter { nftables throws(PacketFilterError) in try GuardTable.remove(nftables) }
        case .arpWall: try filter { nftables throws(PacketFilterError) in try ARPWall.remove(nftables) }
        }
    }

    func netlink<Result>(_ body: (borrowing Network) throws(NetlinkError) -> Result) throws(SetupError) -> Result {
        do throws(NetlinkError) {
            return try body(try Network())
        } catch {
            throw .netlink(error)
        }
    }

    /// Returns whether the kernel has such ports at all.
    func ports(_ body: (borrowing EncapsulationPorts) throws(NetlinkError) -> Void) throws(SetupError) -> Bool {
        do throws(NetlinkError) {
            guard let ports = try EncapsulationPorts() else { return false }
            try body(ports)
            return true
        } catch {
            throw .netlink(error)
        }
    }

    func filter<Result>(
        _ body: (borrowing Nftables) throws(PacketFilterError) -> Result
    ) throws(SetupError) -> Result {
        do throws(PacketFilterError) {
            return try body(try Nftables())
        } catch {
            throw .packetFilter(error)
        }
    }
}

extension Network {
    /// The index of an interface that was yet to be made when the change was planned.
    fileprivate borrowing func index(_ planned: Int32, _ name: String) throws(NetlinkError) -> Int32 {
        planned > 0 ? planned : try index(of: name)
    }
}

extension IPv4Sysctl.Key {
    fileprivate var netlinkSetting: IPv4Setting {
        switch self {
        case .arpIgnore: .arpIgnore
        case .arpAnnounce: .arpAnnounce
        case .reversePathFilter: .reversePathFilter
        }
    }
}

extension HostObject.PlacedAddress {
    fileprivate func interfaceAddress(_ interface: Int32) -> InterfaceAddress {
        let isIPv4 = prefix.address.v4 != nil
        return InterfaceAddress(
            interface: interface, prefix: prefix, label: label, isHostScope: isIPv4 && isNeverSource,
            isDeprecated: !isIPv4 && isNeverSource)
    }
}
