internal import NetworkAddress
internal import PacketIO

/// What one frame says of who has an address: ARP for IPv4 (RFC 826), a neighbour advertisement for IPv6 (RFC 4861).
struct AddressClaim: Hashable, Sendable {
    /// In what way it is said.
    enum Form: Hashable, Sendable {
        /// An ARP reply or a solicited advertisement, to the station that asked.
        case answer(to: MACAddress)
        /// To everyone, unasked: gratuitous ARP, an unsolicited advertisement.
        case announcement
        /// A who-has for another address, asked in the name of this one: whoever hears it learns it.
        case question(about: IPv4Address)
    }

    /// The address that is claimed.
    var address: IPAddress
    /// Where it is said to be.
    var mac: MACAddress
    /// In what way it is said.
    var form: Form
}

extension AddressClaim {
    /// From a whole Ethernet frame without VLAN tag; nil where it claims nothing.
    init?(frame: UnsafeRawBufferPointer) {
        guard frame.count >= 14 else { return nil }
        switch frame.word(at: 12) {
        case ARPMessage.etherType:
            guard let message = ARPMessage(frame: frame) else { return nil }
            self.init(message)
        case NeighborDiscovery.etherType:
            self.init(advertisement: frame)
        default: return nil
        }
    }

    private init?(_ message: ARPMessage) {
        // A probe names no sender: it claims nothing (RFC 5227 §2.1.1).
        guard message.sender != .any else { return nil }
        address = .v4(message.sender)
        mac = message.senderMAC
        switch message.operation {
        case _ where message.sender == message.target: form = .announcement
        case .reply: form = message.targetMAC.isUnicast ? .answer(to: message.targetMAC) : .announcement
        case .request: form = .question(about: message.target)
        }
    }

    private init?(advertisement frame: UnsafeRawBufferPointer) {
        typealias Layout = NeighborDiscovery
        guard frame.count >= Layout.options, frame[Layout.nextHeader] == Layout.icmp,
            // One that was forwarded, or is of another code, is not valid (RFC 4861 §7.1.2).
            frame[Layout.hopLimit] == 255, frame[Layout.type] == Layout.advertisement, frame[Layout.type + 1] == 0
        else { return nil }
        address = .v6(frame.ipv6(at: Layout.target))
        mac = Layout.targetMAC(frame) ?? frame.hardware(at: 6)
        guard mac.isUnicast else { return nil }
        let isSolicited = frame[Layout.flags] & 0x40 != 0
        form = isSolicited ? .answer(to: frame.hardware(at: 0)) : .announcement
    }
}
