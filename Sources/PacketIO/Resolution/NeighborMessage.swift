public import NetworkAddress

/// What stations on a link tell each other about who has which address, of either family: ARP for IPv4 (RFC 826, RFC 5227),
/// Neighbor Discovery for IPv6 (RFC 4861, RFC 4862).
///
/// | content      | ARP                               | Neighbor Discovery                                        |
/// |--------------|-----------------------------------|-----------------------------------------------------------|
/// | probe        | request from `0.0.0.0`            | solicitation from `::`                                    |
/// | request      | request                           | solicitation with our MAC                                 |
/// | announcement | request for the sender's own      | unsolicited advertisement to `ff02::1`, override          |
/// | reply        | reply                             | solicited advertisement, override                         |
public struct NeighborMessage: Hashable, Sendable {
    /// What is said. All addresses are of one family.
    public enum Content: Hashable, Sendable {
        /// Does anybody use this address? The sender does not say that it does.
        case probe(IPAddress)
        /// Who has this address? Asked by the one who has `from`.
        case request(IPAddress, from: IPAddress)
        /// To everyone, unasked: this address is the sender's.
        case announcement(IPAddress)
        /// To the one who has `to` and asked: this address is the sender's.
        case reply(IPAddress, to: IPAddress)
    }

    /// What is said.
    public var content: Content
    /// Who says it, which is where its address is to be found.
    public var mac: MACAddress
    /// Whether it is to replace a MAC that is known already: false only in an IPv6 advertisement without the override flag, as
    /// proxies send it (RFC 4861 §7.2.4).
    public var overrides: Bool

    /// A message with this content.
    public init(_ content: Content, mac: MACAddress, overrides: Bool = true) {
        self.content = content
        self.mac = mac
        self.overrides = overrides
    }

    /// Asks everyone whether somebody uses `address`, without saying that we do (RFC 5227 §2.1.1, RFC 4862 §5.4.2).
    public static func probe(_ address: IPAddress, from mac: MACAddress) -> NeighborMessage {
        NeighborMessage(.probe(address), mac: mac)
    }

    /// Tells everyone that `address` is ours (RFC 5227 §2.3, RFC 4861 §7.2.6).
    public static func announcement(_ address: IPAddress, from mac: MACAddress) -> NeighborMessage {
        NeighborMessage(.announcement(address), mac: mac)
    }

    /// Asks for the MAC of `address` as `sender`, which is of the same family.
    public static func request(_ address: IPAddress, from mac: MACAddress, _ sender: IPAddress) -> NeighborMessage {
        NeighborMessage(.request(address, from: sender), mac: mac)
    }

    /// The address that the sender says is its own; nil: none.
    public var claimed: IPAddress? {
        switch content {
        case .probe: nil
        case .request(_, let sender): sender
        case .announcement(let address), .reply(let address, _): address
        }
    }

    /// The address whose holder is to answer; nil: nobody is.
    public var asked: IPAddress? {
        switch content {
        case .probe(let address), .request(let address, _): address
        case .announcement, .reply: nil
        }
    }

    /// The station or group that all who should hear this message listen to: everyone's for ARP; for IPv6 the solicited-node
    /// group of what is asked for, else all nodes (RFC 4861 §7.2.2, §7.2.6).
    public var group: MACAddress {
        switch content {
        case .probe(.v4), .request(.v4, _), .announcement(.v4), .reply(.v4, _): .broadcast
        case .probe(.v6(let target)), .request(.v6(let target), _): MACAddress(group: target.solicitedNodeGroup)
        case .announcement(.v6), .reply(.v6, _): MACAddress(group: .allNodes)
        }
    }

    /// What answers this question, and the station or group it goes to: the asked address is at `mac`. Nil where it is none.
    ///
    /// An IPv6 probe has no sender an answer could go to: everyone is told (RFC 4861 §7.2.4).
    public func answer(from mac: MACAddress) -> (message: NeighborMessage, destination: MACAddress)? {
        switch content {
        case .request(let address, let sender): (NeighborMessage(.reply(address, to: sender), mac: mac), self.mac)
        case .probe(.v4(let address)): (NeighborMessage(.reply(.v4(address), to: .v4(.any)), mac: mac), self.mac)
        case .probe(.v6(let address)):
            (.announcement(.v6(address), from: mac), NeighborMessage.announcement(.v6(address), from: mac).group)
        case .announcement, .reply: nil
        }
    }
}
