public import NetworkAddress

extension NeighborMessage {
    /// How long a frame with one is at most, in bytes.
    public static let longestFrame = max(ARPMessage.frameLength, longestDiscoveryFrame)

    /// Whether a frame carries what only ``init(frame:)`` understands, sound or not: ARP, or an IPv6 solicitation or
    /// advertisement. `frame` has 14 bytes or more.
    @inlinable
    @inline(__always)
    package static func isCarried(by frame: UnsafeRawBufferPointer) -> Bool {
        switch frame.word(at: 12) {
        case 0x0806: true
        case 0x86DD: frame.count > 54 && frame[20] == 58 && (frame[54] == 135 || frame[54] == 136)
        default: false
        }
    }

    /// From a whole Ethernet frame without VLAN tag; nil where it is neither sound ARP for IPv4 nor a solicitation or
    /// advertisement that RFC 4861 §7.1 calls valid.
    public init?(frame: UnsafeRawBufferPointer) {
        guard frame.count >= 14 else { return nil }
        switch frame.word(at: 12) {
        case ARPMessage.etherType:
            guard let message = ARPMessage(frame: frame) else { return nil }
            self.init(message)
        case Self.discoveryEtherType: self.init(discovery: frame)
        default: return nil
        }
    }

    /// Writes the frame that carries it to the station or group `destination`, and returns its length in bytes, at most
    /// ``longestFrame``, which `frame` has room for.
    public func write(to destination: MACAddress, into frame: UnsafeMutableRawBufferPointer) -> Int {
        switch content {
        case .probe(.v4(let target)): write(.probe(target, from: mac), to: destination, into: frame)
        case .request(.v4(let target), let sender):
            write(.request(target, from: mac, sender.v4 ?? .any), to: destination, into: frame)
        case .announcement(.v4(let address)): write(.announcement(address, from: mac), to: destination, into: frame)
        case .reply(.v4(let address), let asker):
            write(
                ARPMessage(
                    operation: .reply, senderMAC: mac, sender: address, targetMAC: destination,
                    target: asker.v4 ?? .any),
                to: destination, into: frame)
        case .probe(.v6(let target)):
            writeDiscovery(
                .solicitation, of: target, from: .any, to: target.solicitedNodeGroup, destination, into: frame)
        case .request(.v6(let target), let sender):
            writeDiscovery(
                .solicitation, of: target, from: sender.v6 ?? .any,
                to: destination.isUnicast ? target : target.solicitedNodeGroup, destination, into: frame)
        case .announcement(.v6(let address)):
            writeDiscovery(.advertisement, of: address, from: address, to: .allNodes, destination, into: frame)
        case .reply(.v6(let address), let asker):
            writeDiscovery(
                .advertisement, of: address, from: address, to: asker.v6 ?? .allNodes, destination, into: frame)
        }
    }

    private init?(_ message: ARPMessage) {
        let (sender, target) = (IPAddress.v4(message.sender), IPAddress.v4(message.target))
        mac = message.senderMAC
        overrides = true
        switch message.operation {
        case .request where message.sender == .any: content = .probe(target)
        case _ where message.sender == message.target: content = .announcement(sender)
        case .request: content = .request(target, from: sender)
        case .reply: content = .reply(sender, to: target)
        }
    }

    private func write(_ message: ARPMessage, to destination: MACAddress, into frame: UnsafeMutableRawBufferPointer)
        -> Int
    {
        message.write(
            to: destination, into: UnsafeMutableRawBufferPointer(rebasing: frame[..<ARPMessage.frameLength]))
        return ARPMessage.frameLength
    }
}
