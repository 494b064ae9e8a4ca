public import NetworkAddress

/// An ARP message for IPv4 over Ethernet (RFC 826), as a value.
public struct ARPMessage: Hashable, Sendable {
    /// What it says.
    public enum Operation: UInt16, Sendable {
        /// Who has the target address?
        case request = 1
        /// The sender has the sender address.
        case reply = 2
    }

    /// Whether it asks or answers.
    public var operation: Operation
    /// The MAC that neighbours are to take `sender` to be at.
    public var senderMAC: MACAddress
    /// `0.0.0.0` in a probe (RFC 5227 §2.1.1).
    public var sender: IPv4Address
    /// Nothing in a request: `00:00:00:00:00:00`.
    public var targetMAC: MACAddress
    /// The address asked for; in a reply, the one that asked.
    public var target: IPv4Address

    /// A message with these fields, as they are on the wire.
    public init(
        operation: Operation, senderMAC: MACAddress, sender: IPv4Address, targetMAC: MACAddress, target: IPv4Address
    ) {
        self.operation = operation
        self.senderMAC = senderMAC
        self.sender = sender
        self.targetMAC = targetMAC
        self.target = target
    }

    /// EtherType of ARP.
    public static let etherType: UInt16 = 0x0806
    /// How long a frame with one is: what Ethernet asks at least (IEEE 802.3), without its check sequence.
    public static let frameLength = 60

    /// Asks everyone whether somebody uses `address`, without saying that we do (RFC 5227 §2.1.1).
    public static func probe(_ address: IPv4Address, from mac: MACAddress) -> ARPMessage {
        ARPMessage(operation: .request, senderMAC: mac, sender: .any, targetMAC: .zero, target: address)
    }

    /// Tells everyone that `address` is ours (RFC 5227 §2.3).
    public static func announcement(_ address: IPv4Address, from mac: MACAddress) -> ARPMessage {
        ARPMessage(operation: .request, senderMAC: mac, sender: address, targetMAC: .zero, target: address)
    }

    /// Asks for the MAC of `address`.
    public static func request(_ address: IPv4Address, from mac: MACAddress, _ sender: IPv4Address) -> ARPMessage {
        ARPMessage(operation: .request, senderMAC: mac, sender: sender, targetMAC: .zero, target: address)
    }

    /// Answers this request: the target address is at `mac`.
    public func answer(from mac: MACAddress) -> ARPMessage {
        ARPMessage(operation: .reply, senderMAC: mac, sender: target, targetMAC: senderMAC, target: sender)
    }
}

extension ARPMessage {
    /// From a whole Ethernet frame; nil where it is not sound ARP for IPv4 over Ethernet.
    public init?(frame: UnsafeRawBufferPointer) {
        guard frame.count >= 42, frame.word(at: 12) == Self.etherType,
            // Ethernet, IPv4, and the lengths of their addresses.
            frame.word(at: 14) == 1, frame.word(at: 16) == 0x0800, frame.word(at: 18) == 0x0604,
            let operation = Operation(rawValue: frame.word(at: 20))
        else { return nil }
        self.operation = operation
        senderMAC = frame.mac(at: 22)
        sender = frame.ipv4(at: 28)
        targetMAC = frame.mac(at: 32)
        target = frame.ipv4(at: 38)
        // A group cannot have an address, and answers to it would go to many.
        guard senderMAC.isUnicast else { return nil }
    }

    /// Writes the frame that carries it to the station `destination`, `frameLength` bytes.
    public func write(to destination: MACAddress, into frame: UnsafeMutableRawBufferPointer) {
        frame.initializeMemory(as: UInt8.self, repeating: 0)
        frame.store(destination, at: 0)
        frame.store(senderMAC, at: 6)
        frame.store(Self.etherType, at: 12)
        frame.store(1 as UInt16, at: 14)
        frame.store(0x0800 as UInt16, at: 16)
        frame.store(0x0604 as UInt16, at: 18)
        frame.store(operation.rawValue, at: 20)
        frame.store(senderMAC, at: 22)
        frame.store(sender.rawValue, at: 28)
        frame.store(targetMAC, at: 32)
        frame.store(target.rawValue, at: 38)
    }
}
