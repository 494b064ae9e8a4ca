public import NetworkAddress

/// One change to the host: small enough to be made whole or not at all.
public enum Change: Sendable, Hashable {
    /// A sysctl goes from one value to another.
    case set(ARPSysctl, from: Int, to: Int)
    /// A VIP is put on an interface (in practice `lo`) as a host address with rsagent's label.
    case addAddress(IPv4Address, interface: Int32, interfaceName: String)
    /// A VIP that rsagent put there is taken away.
    case removeAddress(IPv4Address, interface: Int32, interfaceName: String)

    /// The label under which `ip addr` shows whose a VIP is. A label begins with the interface's name (ip-address(8)) and
    /// has 15 bytes at most.
    public static func label(interfaceName: String) -> String { "\(interfaceName):rsagent" }
}

extension Change: CustomStringConvertible {
    /// The equivalent command, as an operator would type it.
    public var description: String {
        switch self {
        case .set(let sysctl, _, let value): "sysctl -w \(sysctl)=\(value)"
        case .addAddress(let address, _, let name):
            "ip addr add \(address)/32 dev \(name) label \(Change.label(interfaceName: name))"
        case .removeAddress(let address, _, let name): "ip addr del \(address)/32 dev \(name)"
        }
    }
}
