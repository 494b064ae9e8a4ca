public import NetworkAddress

/// A frame in which this host said that a VIP is here: whoever hears it sends the VIP's traffic past the director.
public struct Leak: Hashable, Sendable {
    /// In what way it was said.
    public enum Operation: Hashable, Sendable {
        /// An ARP reply, or a solicited neighbour advertisement.
        case answer
        /// Gratuitous ARP, or an unsolicited neighbour advertisement.
        case announcement
        /// A who-has for another address with the VIP as its sender.
        case question(about: IPv4Address)
    }

    /// The VIP.
    public var vip: IPAddress
    /// The name of the interface it left by.
    public var interface: String
    /// In what way it was said.
    public var operation: Operation
    /// The station it was said to; nil: everyone.
    public var recipient: MACAddress?

    /// A leak as it was seen.
    public init(vip: IPAddress, interface: String, operation: Operation, recipient: MACAddress? = nil) {
        self.vip = vip
        self.interface = interface
        self.operation = operation
        self.recipient = recipient
    }
}

extension Leak: CustomStringConvertible {
    /// What was said, by what, to whom, and where to look.
    public var description: String {
        let place = "this host leaks the VIP and draws its traffic past the director"
        let asker = recipient.map { " (asked by \($0))" } ?? ""
        return switch (operation, vip) {
        case (.answer, .v4):
            "\(interface) answered who-has for VIP \(vip)\(asker): \(place); `rsagent plan` names the setting to change"
        case (.answer, .v6):
            "\(interface) answered a neighbour solicitation for VIP \(vip)\(asker): \(place); `ip -6 addr show to \(vip)` and "
                + "`ip -6 neigh show proxy` name what answers for it"
        case (.announcement, _):
            "\(interface) announced VIP \(vip) to its neighbours: \(place); stop what announces it here (a VRRP daemon, "
                + "arping, ndisc_notify or arp_notify)"
        case (.question(let target), _):
            "\(interface) asked for \(target) in the name of VIP \(vip): neighbours learn from it, and \(place); "
                + "`rsagent plan` names the setting to change (arp_announce)"
        }
    }
}
