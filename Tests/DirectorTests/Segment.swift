internal import Glibc
internal import Lab
internal import NetworkAddress
internal import PacketIO

@testable internal import Director

/// The far end of the wire, played by a test: it sends what a client would, answers for servers and routers as they would, and
/// keeps what it saw.
struct Segment: ~Copyable {
    /// An IP packet it saw.
    struct Packet: Equatable {
        var destination: MACAddress
        var source: MACAddress
        var timeToLive: UInt8
        /// The protocol's number, and where it is ICMP of its family: its type and code.
        var transport: UInt8
        var icmp: UInt16?
    }

    private var socket: PacketSocket
    private var set: PollSet
    private(set) var messages: [NeighborMessage] = []
    /// What was for the client and the servers, without what the host's own stack tells the switches (MLD).
    private(set) var packets: [Packet] = []
    /// In which order they came: the source port of each TCP packet over IPv4, 0 for each reply about who has an address.
    private(set) var order: [UInt16] = []
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
        if let message = NeighborMessage(frame: frame) {
            if case .reply = message.content { order.append(0) }
            return messages.append(message)
        }
        let mac = { (offset: Int) in
            MACAddress(rawValue: frame[offset..<offset + 6].reduce(0) { $0 << 8 | UInt64($1) })
        }
        guard mac(0).isUnicast else { return }
        switch frame.word(at: 12) {
        case 0x0800:
            let transport = frame[23]
            if transport == 6 { order.append(frame.word(at: 34)) }
            packets.append(
                Packet(
                    destination: mac(0), source: mac(6), timeToLive: frame[22], transport: transport,
                    icmp: transport == 1 ? frame.word(at: 34) : nil))
        case 0x86DD:
            let transport = frame[20]
            packets.append(
                Packet(
                    destination: mac(0), source: mac(6), timeToLive: frame[21], transport: transport,
                    icmp: transport == 58 ? frame.word(at: 54) : nil))
        default: break
        }
    }

    /// Answers whoever asks for one of `stations` until the condition holds; and sends these frames again and again.
    mutating func answer(
        for stations: [IPAddress: MACAddress] = EngineTests.stations, sending frames: [[UInt8]] = [],
        until words: String, _ condition: () throws -> Bool
    ) throws {
        var seen = messages.count
        let end = ContinuousClock.now + .seconds(20)
        while try !condition() {
            guard ContinuousClock.now < end else { throw LabError("not within 20 s: \(words)") }
            for frame in frames { send(frame) }
            look()
            for message in messages[seen...] {
                guard let mac = message.asked.flatMap({ stations[$0] }), let answer = message.answer(from: mac) else {
                    continue
                }
                send(answer.message, to: answer.destination)
            }
            seen = messages.count
        }
    }

    /// The first message from now on that is like this.
    mutating func nextMessage(_ isWanted: (NeighborMessage) -> Bool) throws -> NeighborMessage {
        var seen = messages.count
        let end = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < end {
            look()
            if let message = messages[seen...].first(where: isWanted) { return message }
            seen = messages.count
        }
        throw LabError("no such message within 20 s")
    }

    /// The next IP packet.
    mutating func nextPacket() throws -> Packet {
        let seen = packets.count
        let end = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < end {
            look()
            if packets.count > seen { return packets[seen] }
        }
        throw LabError("no packet within 20 s")
    }

    /// Sends a message to all who should hear it, or to one station.
    mutating func send(_ message: NeighborMessage, to destination: MACAddress? = nil) {
        var frame = [UInt8](repeating: 0, count: NeighborMessage.longestFrame)
        let length = frame.withUnsafeMutableBytes { message.write(to: destination ?? message.group, into: $0) }
        send(Array(frame[..<length]))
    }

    /// A client's SYN for the VIP's port 80, in a frame to this station.
    mutating func sendSYN(to destination: MACAddress, for vip: IPAddress = EngineTests.vip, payload: Int = 0) {
        let client = vip.v4 != nil ? EngineTests.client : EngineTests.client6
        let packet = TestPacket(source: client, destination: vip, payload: payload)
        send(packet.frame(to: destination, from: EngineTests.clientMAC))
    }

    mutating func send(_ frame: [UInt8]) {
        var frame = frame
        frame.withUnsafeMutableBytes {
            socket.transmit($0, .none)
            socket.flush()
        }
    }
}
