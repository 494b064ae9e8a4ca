/// One change to the host: small enough to be made whole or not at all.
public enum Change: Sendable, Hashable {
    /// A sysctl goes from one value to another.
    case set(IPv4Sysctl, from: Int, to: Int)
    /// Something is made. A packet-filter table that is there already is replaced as a whole.
    case add(HostObject)
    /// Something that rsagent made is removed.
    case remove(HostObject)
    /// An interface of our own is set up.
    case bringUp(interface: Int32, name: String)

    /// In which order changes are made: sysctls before what they hide, what lets packets in last; removals before all others,
    /// in the opposite order, so that what replaces something finds its place free.
    var rank: Int {
        switch self {
        case .remove(let object): -1 - object.rank
        // On an interface that is yet to be made: after that is done, and before it is set up. What rp_filter no longer
        // stops must be guarded already.
        case .set(let sysctl, _, _): sysctl.isOfFutureInterface || sysctl.key == .reversePathFilter ? 10 : 0
        case .add(.address(let address)) where address.interface <= 0: 11
        case .add(let object): 1 + object.rank
        case .bringUp: 12
        }
    }
}

extension Change: CustomStringConvertible {
    /// The equivalent command, as an operator would type it.
    public var description: String {
        switch self {
        case .set(let sysctl, _, let value): "sysctl -w \(sysctl)=\(value)"
        case .add(let object): object.making
        case .remove(let object): object.removing
        case .bringUp(_, let name): "ip link set \(name) up"
        }
    }
}
