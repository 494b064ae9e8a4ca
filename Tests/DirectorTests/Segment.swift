internal import Glibc
internal import Lab
internal import NetworkAddress
internal import PacketIO

@testable internal import Director

/// The far end of the wire, played by a test: it sends what a client would, answers ARP as the server would, and keeps what
/// it saw.
struct Segment: ~Copyable {
    /// An IPv4 packet it saw.
    struct Packet {
        var destination: MACAddress
        var source: MACAddress
        var timeToLive: UInt8
        var isPortUnreachable: Bool
    }

    private var socket: PacketSocket
    private var set: PollSet
    private(set) var arp: [ARPMessage] = []
    private(set) var packets: [Packet] = []
    /// The MAC of `va`.
    let directorMAC: MACAddress

    init() throws {
        // Opened only to be asked for its MAC.
        let director = try PacketSocket(interface: "va").address
        let socket = try PacketSocket(interface: "vb")
        var set = PollSet(slots: 1, wakeUp: try WakeUp())
        set.watch(socket.pollDescriptor, slot: 0)
        directorMAC = director
        self.socket = socket
        self.set = set
    }

    /// Takes what has come.
    private mutating func look() {
        set.wait(milliseconds: 5)
        while var batch = socket.receive() {
            while let frame = batch.nextFrame() { keep(UnsafeRawBufferPointer(frame.bytes)) }
            socket.release(batch)
        }
    }

    private mutating func keep(_ frame: UnsafeRawBufferPointer) {
        if let message = ARPMessage(frame: frame) {
            arp.append(message)
        } else if frame.word(at: 12) == 0x0800 {
            let mac = { (offset: Int) in
                MACAddress(rawValue: frame[offset..<offset + 6].reduce(0) { $0 << 8 | UInt64($1) })
            }
            packets.append(
                Packet(
                    destination: mac(0), source: mac(6), timeToLive: frame[22],
                    isPortUnreachable: frame[23] == 1 && frame.word(at: 34) == 0x0303))
        }
    }

    /// Answers who-has for the server until the condition holds.
    mutating func answerARP(until words: String, _ condition: () -> Bool) throws {
        var seen = arp.count
        let end = ContinuousClock.now + .seconds(20)
        while !condition() {
            guard ContinuousClock.now < end else { throw LabError("not within 20 s: \(words)") }
            look()
            for message in arp[seen...] where message.operation == .request && message.target == EngineTests.server {
                send(message.answer(from: EngineTests.serverMAC), to: message.senderMAC)
            }
            seen = arp.count
        }
    }

    /// The first ARP message from now on that is like this.
    mutating func nextARP(_ isWanted: (ARPMessage) -> Bool) throws -> ARPMessage {
        var seen = arp.count
        let end = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < end {
            look()
            if let message = arp[seen...].first(where: isWanted) { return message }
            seen = arp.count
        }
        throw LabError("no such ARP message within 20 s")
    }

    /// The next IPv4 packet.
    mutating func nextPacket() throws -> Packet {
        let seen = packets.count
        let end = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < end {
            look()
            if packets.count > seen { return packets[seen] }
        }
        throw LabError("no packet within 20 s")
    }

    mutating func send(_ message: ARPMessage, to destination: MACAddress = .broadcast) {
        var frame = [UInt8](repeating: 0, count: ARPMessage.frameLength)
        frame.withUnsafeMutableBytes { message.write(to: destination, into: $0) }
        send(frame)
    }

    /// A client's SYN for the VIP's port 80, in a frame to this station.
    mutating func sendSYN(to destination: MACAddress) {
        let octets = { (mac: MACAddress) in (0..<6).map { UInt8(truncatingIfNeeded: mac.rawValue >> (40 - 8 * $0)) } }
        var header: [UInt8] = [0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 9, 0, 100, 10, 9, 0, 50]
        let sum = stride(from: 0, to: 20, by: 2).reduce(UInt32(0)) {
            $0 + UInt32(header[$1]) << 8 + UInt32(header[$1 + 1])
        }
        let folded = ~UInt16(truncatingIfNeeded: sum & 0xFFFF + sum >> 16)
        header[10] = UInt8(folded >> 8)
        header[11] = UInt8(folded & 0xFF)
        let syn: [UInt8] = [0x9C, 0x40, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xFF, 0xFF, 0, 0, 0, 0]
        send(octets(destination) + octets(EngineTests.clientMAC) + [8, 0] + header + syn)
    }

    private mutating func send(_ frame: [UInt8]) {
        var frame = frame
        frame.withUnsafeMutableBytes {
            socket.transmit($0, .none)
            socket.flush()
        }
    }
}
