internal import ConfigurationFile
internal import Forwarding
internal import Glibc
internal import Lab
internal import NetworkAddress
internal import PacketIO
internal import Testing

@testable internal import Director

@Suite("replay")
struct ReplayTests {
    typealias Base = EngineTests
    static let directorMAC = MACAddress(rawValue: 0x0200_0000_0001)
    static let director = IPAddress.v4(IPv4Address(10, 9, 0, 1))
    static let time: UInt32 = 1_700_000_000

    /// One service on UDP port 53, whose one server listens on 5353 with NAT.
    static func configuration(
        _ forward: ForwardingMethod, scheduler: SchedulerName = .rr, servers: [IPAddress] = [Base.server],
        flows: Int = 1024
    ) -> DirectorConfiguration {
        DirectorConfiguration(
            interfaces: ["eth0"], flows: flows,
            services: [
                .init(
                    name: "dns", vips: [Base.vip], port: 53, transport: .udp, forward: forward, scheduler: scheduler,
                    servers: servers.map { server in
                        .init(address: server, port: forward == .nat ? 5353 : nil, agent: "http://10.9.0.11:9380")
                    })
            ])
    }

    static func question(_ port: UInt16 = 40_000, payload: Int = 4) -> TestPacket {
        TestPacket(
            source: Base.client, destination: Base.vip, transport: 17, sourcePort: port, destinationPort: 53,
            payload: payload)
    }

    static func message(_ message: NeighborMessage, to destination: MACAddress) -> [UInt8] {
        var frame = [UInt8](repeating: 0, count: NeighborMessage.longestFrame)
        let length = frame.withUnsafeMutableBytes { message.write(to: destination, into: $0) }
        return Array(frame[..<length])
    }

    /// The server's word for its MAC, a question, and with NAT its answer.
    static func conversation(_ forward: ForwardingMethod) -> TestCapture {
        let said = NeighborMessage(.reply(Base.server, to: director), mac: Base.serverMAC)
        var frames = [
            TestCapture.Frame(seconds: time, fraction: 1, bytes: message(said, to: directorMAC)),
            .init(seconds: time + 1, fraction: 2, bytes: question().frame(to: directorMAC, from: Base.clientMAC)),
        ]
        if forward == .nat {
            let answer = TestPacket(
                source: Base.server, destination: Base.client, transport: 17, sourcePort: 5353,
                destinationPort: 40_000, payload: 9)
            frames.append(
                .init(seconds: time + 1, fraction: 3, bytes: answer.frame(to: directorMAC, from: Base.serverMAC)))
        }
        return TestCapture(frames: frames)
    }

    static func write(_ bytes: [UInt8], to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        defer { close(descriptor) }
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw LabError("\(path): not written") }
    }

    static func read(_ path: String) -> [UInt8] {
        let descriptor = open(path, O_RDONLY)
        defer { close(descriptor) }
        var (bytes, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
        while case let count = Glibc.read(descriptor, &buffer, buffer.count), count > 0 { bytes += buffer[..<count] }
        return bytes
    }

    /// What comes of a capture.
    static func replay(
        _ capture: TestCapture, _ replay: Replay
    ) throws -> (summary: ReplaySummary, sent: TestCapture, file: [UInt8]) {
        let scratch = try ScratchDirectory()
        try write(capture.bytes, to: "\(scratch.path)/in.pcap")
        let summary = try replay.run(from: "\(scratch.path)/in.pcap", to: "\(scratch.path)/out.pcap")
        let file = read("\(scratch.path)/out.pcap")
        let sent = TestCapture(isNanoseconds: capture.isNanoseconds, frames: try TestCapture.read(file).frames)
        #expect(sent.bytes == file && summary.sent == sent.frames.count)
        let left = try Command.run(["ls", scratch.path]).output
        #expect(left == "in.pcap\nout.pcap\n", "nothing else is left behind")
        return (summary, sent, file)
    }

    @Test("direct routing: the question as the server would get it, at the time it came")
    func direct() throws {
        let (summary, sent, _) = try Self.replay(Self.conversation(.dr), Replay(Self.configuration(.dr)))
        var expected = Self.question()
        expected.timeToLive = 63
        #expect(
            sent.frames == [
                .init(
                    seconds: Self.time + 1, fraction: 2,
                    bytes: expected.frame(to: Base.serverMAC, from: Self.directorMAC))
            ])
        #expect(summary.fates == [.neighbor: 1, .forwarded: 1] && summary.drops.isEmpty && summary.duration == 1000)
        #expect(summary.text.contains("server 10.9.0.11: at \(Base.serverMAC), as it says itself\n"))
        #expect(summary.text.contains("director: \(Self.directorMAC), where most packets for the VIPs go\n"))
        #expect(summary.text.contains("out.pcap: 1 frames\n"))
    }

    @Test("source NAT is left out, and that is told")
    func outbound() throws {
        let capture = Self.conversation(.dr)
        let (plain, _, bytes) = try Self.replay(capture, Replay(Self.configuration(.dr)))
        var configuration = Self.configuration(.dr)
        configuration.outbound = [
            .init(
                sources: [try #require(Prefix("10.9.0.0/24"))], address: .v4(IPv4Address(203, 0, 113, 5)),
                ports: DirectorConfiguration.Outbound.defaultPorts)
        ]
        let (summary, _, same) = try Self.replay(capture, Replay(configuration))
        #expect(same == bytes)
        #expect(summary.text.contains("[[outbound]]: not replayed") && !plain.text.contains("[[outbound]]"))
    }

    @Test("NAT: the question with the server's address and port, the answer with the VIP's, back to the client")
    func translated() throws {
        for isNanoseconds in [true, false] {
            var capture = Self.conversation(.nat)
            capture.isNanoseconds = isNanoseconds
            capture.isLittleEndian = false
            let (summary, sent, _) = try Self.replay(capture, Replay(Self.configuration(.nat)))
            var (question, answer) = (Self.question(), Self.question(payload: 9))
            (question.destination, question.destinationPort, question.timeToLive) = (Base.server, 5353, 63)
            (answer.source, answer.sourcePort) = (Base.vip, 53)
            (answer.destination, answer.destinationPort, answer.timeToLive) = (Base.client, 40_000, 63)
            #expect(
                sent.frames == [
                    .init(
                        seconds: Self.time + 1, fraction: 2,
                        bytes: question.frame(to: Base.serverMAC, from: Self.directorMAC)),
                    .init(
                        seconds: Self.time + 1, fraction: 3,
                        bytes: answer.frame(to: Base.clientMAC, from: Self.directorMAC)),
                ])
            #expect(summary.services[0].connections == 1 && summary.services[0].outbound.packets == 1)
            #expect(summary.text.contains("  -> 10.9.0.11:5353"))
        }
    }

    @Test("a tunnel begins at the director's own address, where the capture shows it, and what is too long is answered")
    func tunnel() throws {
        var capture = Self.conversation(.tun)
        capture.frames[1].bytes = Self.question(payload: 1460).frame(to: Self.directorMAC, from: Base.clientMAC)
        capture.frames.append(
            .init(seconds: Self.time + 2, bytes: Self.question().frame(to: Self.directorMAC, from: Base.clientMAC)))
        let (unseen, sent, _) = try Self.replay(capture, Replay(Self.configuration(.tun)))
        // 1,488 bytes are more than 1,480, and DF is set: told to the client, from the VIP.
        #expect(Array(sent.frames[0].bytes[0..<12]) == Self.bytes(Base.clientMAC) + Self.bytes(Self.directorMAC))
        #expect(
            Array(sent.frames[0].bytes[34..<36]) == [3, 4] && Array(sent.frames[0].bytes[40..<42]) == [0x05, 0xC8])
        #expect(unseen.fates[.answered] == 1 && unseen.drops == ["tooBig": 1])
        #expect(Array(sent.frames[1].bytes[26..<34]) == [198, 18, 0, 1, 10, 9, 0, 11])
        #expect(unseen.text.contains("its tunnel begins at 198.18.0.1, made up"))

        // Who asks for the server, and has the director's MAC, is the director.
        let asked = NeighborMessage.request(Base.server, from: Self.directorMAC, Self.director)
        capture.frames.insert(.init(seconds: Self.time, bytes: Self.message(asked, to: .broadcast)), at: 0)
        let (seen, other, _) = try Self.replay(capture, Replay(Self.configuration(.tun)))
        #expect(Array(other.frames[1].bytes[26..<34]) == [10, 9, 0, 1, 10, 9, 0, 11])
        #expect(seen.text.contains("its tunnel begins at 10.9.0.1\n"))
    }

    @Test("what the director sent itself, what is for others, and what is cut short is not forwarded, and is counted")
    func notForUs() throws {
        var capture = Self.conversation(.dr)
        let question = Self.question().frame(to: Self.directorMAC, from: Base.clientMAC)
        capture.frames += [
            .init(seconds: Self.time + 1, bytes: Self.question().frame(to: Base.serverMAC, from: Self.directorMAC)),
            .init(seconds: Self.time + 2, bytes: Self.question().frame(to: Base.routerMAC, from: Base.clientMAC)),
            .init(seconds: Self.time + 2, bytes: Array(question.prefix(40)), originalLength: question.count),
            .init(seconds: Self.time + 2, bytes: [1, 2, 3]),
            .init(seconds: Self.time + 2, bytes: question),
        ]
        let (summary, sent, _) = try Self.replay(capture, Replay(Self.configuration(.dr)))
        #expect(
            summary.fates == [.neighbor: 1, .forwarded: 2, .sentByDirector: 1, .elsewhere: 2, .cutShort: 1]
                && summary.frames == 7 && sent.frames.count == 2)
        // Told where the director is, it is believed.
        let (told, none, _) = try Self.replay(capture, Replay(Self.configuration(.dr), mac: Base.routerMAC))
        #expect(told.fates[.forwarded] == 1 && none.frames[0].bytes[6..<12] == Self.bytes(Base.routerMAC)[...])
    }

    @Test("a server that the capture does not show is given a MAC of its own, and one that sends packets has theirs")
    func unseenServers() throws {
        var capture = Self.conversation(.dr)
        capture.frames.removeFirst()
        let (summary, sent, _) = try Self.replay(capture, Replay(Self.configuration(.dr)))
        let madeUp = MACAddress(rawValue: 0x0200_0A09_000B)
        #expect(Array(sent.frames[0].bytes[..<6]) == Self.bytes(madeUp))
        #expect(summary.text.contains("server 10.9.0.11: at 02:00:0a:09:00:0b, made up"))
        let report = TestPacket(source: Base.server, destination: Self.director)
        capture.frames.append(
            .init(seconds: Self.time + 9, bytes: report.frame(to: Self.directorMAC, from: Base.routerMAC)))
        let (seen, other, _) = try Self.replay(capture, Replay(Self.configuration(.dr)))
        #expect(Array(other.frames[0].bytes[..<6]) == Self.bytes(Base.routerMAC))
        #expect(seen.text.contains("where its packets come from"))
    }

    @Test("the capture's time makes flows expire, and with the same seed the same comes out, byte for byte")
    func repeatable() throws {
        let servers = [Base.server, Base.farServer, Base.router]
        var capture = TestCapture(frames: [])
        for number in UInt32(0)..<200 {
            capture.frames.append(
                .init(
                    seconds: Self.time + number * 10,
                    bytes: Self.question(UInt16(number)).frame(to: Self.directorMAC, from: Base.clientMAC)))
        }
        let configuration = Self.configuration(.dr, scheduler: .twos, servers: servers)
        let (summary, _, first) = try Self.replay(capture, Replay(configuration))
        let (_, _, second) = try Self.replay(capture, Replay(configuration))
        let (_, _, other) = try Self.replay(capture, Replay(configuration, seed: 2))
        #expect(first == second && first != other)
        let flows = summary.services[0].servers.reduce(0) { $0 + $1.inactiveConnections }
        #expect(flows == 30, "one in ten seconds, each for 300 s")
    }

    @Test("a capture that is cut off is replayed as far as it goes, and that is told")
    func flaw() throws {
        let scratch = try ScratchDirectory()
        let (input, output) = ("\(scratch.path)/in", "\(scratch.path)/out")
        try Self.write(Array(Self.conversation(.nat).bytes.dropLast(5)), to: input)
        let summary = try Replay(Self.configuration(.nat)).run(from: input, to: output)
        #expect(summary.fates == [.neighbor: 1, .forwarded: 1])
        #expect(
            summary.text.contains("\(input): the file ends within frame 3, after 46 of its 51 bytes; what came before"))
        try Self.write(TestCapture(frames: []).bytes, to: input)
        #expect(try Replay(Self.configuration(.nat)).run(from: input, to: output).sent == 0)
        #expect(Self.read(output) == TestCapture(frames: []).bytes)
    }

    @Test("what cannot be replayed is refused, and the output is as it was")
    func refused() throws {
        let scratch = try ScratchDirectory()
        let (input, output) = ("\(scratch.path)/in", "\(scratch.path)/out")
        func error(_ from: String, _ to: String) -> String {
            do {
                _ = try Replay(Self.configuration(.dr)).run(from: from, to: to)
                return "nothing"
            } catch {
                return "\(error)"
            }
        }
        #expect(error(input, output).hasPrefix("cannot read the capture \(input): No such file"))
        #expect(error(scratch.path, output).contains("no regular file"))
        #expect(error("/dev/zero", output).contains("no regular file"))
        try scratch.write("old", to: "out")
        try Self.write([0x0A, 0x0D, 0x0D, 0x0A] + Array(repeating: 0, count: 40), to: input)
        #expect(
            error(input, output).contains("it is pcapng, and only classic pcap is read; convert it: `editcap -F pcap"))
        #expect(Self.read(output) == Array("old".utf8))
        let whole = Self.conversation(.dr).bytes
        try Self.write(whole, to: input)
        #expect(link(input, "\(scratch.path)/same") == 0 && symlink(input, "\(scratch.path)/link") == 0)
        for same in [input, "\(scratch.path)/./in", "\(scratch.path)/same", "\(scratch.path)/link"] {
            #expect(error(input, same).contains("it is the capture that is read"), "\(same)")
        }
        #expect(error(input, "/dev/null").contains("something other than a file is there"))
        #expect(error(input, "\(scratch.path)/none/out").contains("No such file"))
        #expect(Self.read(input) == whole)
        #expect(error(input, output) == "nothing" && Self.read(output) != Array("old".utf8))
        #expect(try Command.run(["ls", scratch.path]).output == "in\nlink\nout\nsame\n")
    }

    /// A super-packet for a tunnel whose headers are nearly as long as a packet may be: each of the packets it stands for would have
    /// eight bytes of its payload, behind 1,452 of headers.
    private static func superPacket(payload: Int) throws -> [UInt8] {
        let vip = try #require(IPAddress("2001:db8::10"))
        let client = try #require(IPAddress("2001:db8:1::2"))
        let whole = TestPacket(source: client, destination: vip, flags: 0x10, payload: payload)
        let syn = TestPacket(source: client, destination: vip).frame(to: directorMAC, from: Base.clientMAC)
        #expect(syn.count == 74)
        var frame = whole.frame(to: directorMAC, from: Base.clientMAC)
        // Destination options (RFC 8200 §4.6), padded (PadN) to 1,392 bytes.
        let options: [UInt8] =
            [6, 173] + (0..<6).flatMap { _ in [UInt8]([1, 226]) + [UInt8](repeating: 0, count: 226) }
        let rest = 1392 - options.count
        frame.insert(contentsOf: options + [1, UInt8(rest - 2)] + [UInt8](repeating: 0, count: rest - 2), at: 54)
        frame[20] = 60
        let length = frame.count - 54
        (frame[18], frame[19]) = (UInt8(length >> 8), UInt8(length & 0xFF))
        return frame
    }

    @Test(
        "a capture that would become far longer, of super-packets that are mostly headers, is refused and fills no disk"
    )
    func growth() throws {
        let server = try #require(IPAddress("2001:db8:9::11"))
        let configuration = DirectorConfiguration(
            interfaces: ["eth0"], flows: 1024,
            services: [
                .init(
                    name: "web", vips: [try #require(IPAddress("2001:db8::10"))], port: 80, forward: .tun,
                    isSloppy: true, servers: [.init(address: server, agent: nil)])
            ])
        func capture(_ frames: Int) throws -> TestCapture {
            TestCapture(
                frames: try (0..<frames).map {
                    .init(seconds: Self.time + UInt32($0), bytes: try Self.superPacket(payload: 3_000))
                })
        }
        // A single one is a little more than it was, and within what is allowed for.
        let (summary, sent, file) = try Self.replay(try capture(1), Replay(configuration))
        #expect(summary.fates == [.cut: 1] && sent.frames.count == 375 && file.count > 100 * 4_500, "\(summary.text)")

        let scratch = try ScratchDirectory()
        let (input, output) = ("\(scratch.path)/in", "\(scratch.path)/out")
        try Self.write(try capture(10).bytes, to: input)
        try scratch.write("old", to: "out")
        let error = #expect(throws: DirectorError.self) { try Replay(configuration).run(from: input, to: output) }
        #expect(
            error?.description.contains("cannot write \(output): with frame 3 of \(input) it would become longer")
                == true)
        #expect(error?.cure.contains("raise --mtu") == true)
        #expect(Self.read(output) == Array("old".utf8))
        #expect(try Command.run(["ls", scratch.path]).output == "in\nout\n")
    }

    @Test("one that is interrupted leaves nothing behind, and the output as it was")
    func interrupted() throws {
        let scratch = try ScratchDirectory()
        let (input, output) = ("\(scratch.path)/in", "\(scratch.path)/out")
        try Self.write(Self.conversation(.nat).bytes, to: input)
        // Looked at before each frame, in both readings.
        for moment in 1...6 {
            var looks = 0
            var wasThere = false
            let error = #expect(throws: DirectorError.self) {
                try Replay(Self.configuration(.nat)).run(from: input, to: output) {
                    looks += 1
                    let files = (try? Command.run(["ls", scratch.path]).output) ?? ""
                    wasThere = files.contains("out.\(getpid()).new")
                    return looks == moment
                }
            }
            #expect(error?.description == "cannot replay \(input): it was interrupted")
            #expect(wasThere == (moment > 4), "before frame \(moment)")
            #expect(try Command.run(["ls", scratch.path]).output == "in\n")
        }
    }

    private static func bytes(_ mac: MACAddress) -> [UInt8] {
        (0..<6).map { UInt8(truncatingIfNeeded: mac.rawValue >> (40 - 8 * $0)) }
    }
}
