internal import CNetlink
internal import Glibc
internal import NetworkAddress

/// The UDP ports that take GUE, in the network namespace of the thread that made this value: the generic netlink family
/// `fou` (net/ipv4/fou_core.c), which the module of that name brings.
///
/// One module serves ports of both families: `fou6` is only for sending (`Network.addTransmitter`). Asking never loads a
/// module: the families are listed, not looked up by name, at which the kernel calls modprobe for anybody who asks
/// (`ctrl_getfamily`, net/netlink/genetlink.c).
public struct EncapsulationPorts: ~Copyable {
    private let socket: NetlinkSocket
    private let family: Int32

    /// Connects to generic netlink. Nil where the kernel has no family `fou`: `modprobe fou` brings it, and nothing else
    /// does, for Debian 12's module (6.1) has no alias by which the kernel would find it. Needs no capability.
    public init?() throws(NetlinkError) {
        let socket = try NetlinkSocket(protocolNumber: NETLINK_GENERIC)
        let numbers = try socket.list(
            { () throws(NetlinkError) -> NetlinkRequest in
                try NetlinkRequest(
                    "list the generic netlink families", type: GenericNetlink.controller, flags: NLM_F_DUMP,
                    header: genlmsghdr(cmd: UInt8(CTRL_CMD_GETFAMILY), version: 2, reserved: 0))
            },
            { message -> UInt16? in
                let family = GenericNetlink.attributes(message)
                guard family.string(Int(CTRL_ATTR_FAMILY_NAME)) == FOU_GENL_NAME else { return nil }
                return family.number(Int(CTRL_ATTR_FAMILY_ID))
            })
        guard let number = numbers.first else { return nil }
        self.socket = socket
        family = Int32(number)
    }

    /// The GUE ports, those bound to no address with `0.0.0.0` or `::`. Left out are plain FOU ports, and such as take only
    /// what comes from one sender or interface. Equivalent to: `ip fou show`. Needs CAP_NET_ADMIN, as the kernel has it.
    public func list() throws(NetlinkError) -> [EncapsulationPort] {
        try socket.list(
            { () throws(NetlinkError) -> NetlinkRequest in
                try request("list the GUE ports", FOU_CMD_GET, flags: NLM_F_DUMP)
            }, Self.port)
    }

    /// Opens a port on one address of this host. Equivalent to: `ip fou add port PORT gue local ADDRESS`, with `-6` for IPv6.
    /// Needs CAP_NET_ADMIN. Throws `NetlinkError.isAlreadyPresent` where the address and port are taken, by a GUE port or by
    /// any other socket, `list()` tells which; `isAlreadyAbsent` where this host does not have the address.
    public func add(_ port: EncapsulationPort) throws(NetlinkError) {
        var request = try request("open GUE port \(port.port) on \(port.local)", FOU_CMD_ADD)
        request.put(port)
        request.put(Int(FOU_ATTR_TYPE), UInt8(FOU_ENCAP_GUE))
        try socket.change(request)
    }

    /// Closes a port. Equivalent to: `ip fou del port PORT gue local ADDRESS`, with `-6` for IPv6. Needs CAP_NET_ADMIN.
    /// Throws `NetlinkError.isAlreadyAbsent` where there is no such port.
    public func remove(_ port: EncapsulationPort) throws(NetlinkError) {
        var request = try request("close GUE port \(port.port) on \(port.local)", FOU_CMD_DEL)
        request.put(port)
        request.put(Int(FOU_ATTR_TYPE), UInt8(FOU_ENCAP_GUE))
        do {
            try socket.change(request)
        } catch  where error.code == NLE_INVAL {
            // EINVAL is what the kernel says of a port it does not have.
            guard try list().contains(port) else { throw NetlinkError(error.operation, code: NLE_OBJ_NOTFOUND) }
            throw error
        }
    }

    private func request(
        _ operation: String, _ command: Int, flags: Int32 = 0
    ) throws(NetlinkError) -> NetlinkRequest {
        let header = genlmsghdr(cmd: UInt8(command), version: UInt8(FOU_GENL_VERSION), reserved: 0)
        return try NetlinkRequest(operation, type: family, flags: flags, header: header)
    }

    private static func port(_ message: [UInt8]) -> EncapsulationPort? {
        let attributes = GenericNetlink.attributes(message)
        guard attributes.number(Int(FOU_ATTR_TYPE)) == UInt8(FOU_ENCAP_GUE),
            let port = attributes.number(Int(FOU_ATTR_PORT), as: UInt16.self),
            (attributes.number(Int(FOU_ATTR_PEER_PORT)) ?? 0) == UInt16(0),
            (attributes.number(Int(FOU_ATTR_IFINDEX)) ?? 0) == Int32(0)
        else { return nil }
        let isIPv6 = attributes.number(Int(FOU_ATTR_AF)) == UInt8(AF_INET6)
        let any: IPAddress = isIPv6 ? .v6(IPv6Address(high: 0, low: 0)) : .v4(IPv4Address(rawValue: 0))
        let local = attributes.address(Int(isIPv6 ? FOU_ATTR_LOCAL_V6 : FOU_ATTR_LOCAL_V4)) ?? any
        return EncapsulationPort(local: local, port: UInt16(bigEndian: port))
    }
}

extension NetlinkRequest {
    /// What tells one port from another.
    fileprivate mutating func put(_ port: EncapsulationPort) {
        let isIPv6 = port.local.v6 != nil
        put(Int(FOU_ATTR_AF), UInt8(isIPv6 ? AF_INET6 : AF_INET))
        put(Int(FOU_ATTR_PORT), port.port.bigEndian)
        put(Int(isIPv6 ? FOU_ATTR_LOCAL_V6 : FOU_ATTR_LOCAL_V4), port.local)
    }
}

/// What all families of generic netlink have in common (include/uapi/linux/genetlink.h).
private enum GenericNetlink {
    /// `GENL_ID_CTRL`: the family that knows the others.
    static let controller: Int32 = 0x10

    static func attributes(_ payload: [UInt8]) -> NetlinkAttributes {
        NetlinkAttributes(payload, behind: MemoryLayout<genlmsghdr>.size)
    }
}
