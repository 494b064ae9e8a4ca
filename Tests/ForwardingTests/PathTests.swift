import NetworkAddress
import Testing

@testable import Forwarding

/// Either family, TCP and UDP, by each forwarding method: what a client sends, and what leaves for the server.
@Suite("The path of a packet, by family, protocol and method")
struct PathTests {
    static let server = TunnelTests.station
    static let syn: UInt8 = 0x02
    static let ack: UInt8 = 0x10

    static func rip(isIPv6: Bool) -> IPAddress { Wire.mapped(isIPv6 ? "fd00::11" : "10.0.0.11").narrow }

    /// A forwarder with one server for the VIPs of both families, TCP port 80 and UDP port 53.
    static func forwarder(
        _ method: ForwardMethod, mtu: Int = 1500, _ change: (inout VirtualService) -> Void = { _ in }
    ) -> Forwarder {
        var services: [VirtualService] = []
        for isIPv6 in [false, true] {
            for (transport, port) in [(Transport.tcp, UInt16(80)), (.udp, 53)] {
                let port8 = method == .nat ? port + 8000 : 0
                var service = VirtualService(
                    name: "\(transport)", vip: Wire.mapped(isIPv6 ? "2001:db8::10" : "192.0.2.10").narrow,
                    transport: transport, port: port, scheduler: .rr,
                    servers: [
                        RealServer(
                            address: rip(isIPv6: isIPv6), port: port8, weight: 1, method: method, station: server,
                            mtu: mtu)
                    ])
                change(&service)
                services.append(service)
            }
        }
        var forwarder = Forwarder(flowCapacity: 100, seed: 42)
        forwarder.apply(services, now: .seconds(0))
        return forwarder
    }

    /// A client's packets, of both families and protocols; with DF, so that no identification is made up.
    static func questions(_ payload: [UInt8] = Wire.payload(30)) -> [Wire.Packet] {
        var packet = Wire.Packet()
        packet.fragment = 0x4000
        return [packet, .ipv6()].flatMap { [$0.tcp(payload, flags: syn), $0.udp(payload)] }
    }

    static func forward(
        _ forwarder: inout Forwarder, _ bytes: [UInt8], isPartial: Bool = false, segmentSize: Int = 0,
        headroom: Int = 64,
        at seconds: Double = 1
    ) -> (verdict: Verdict, bytes: [UInt8]) {
        withFrame(bytes, headroom: headroom, isPartial: isPartial, segmentSize: segmentSize) { frame in
            let verdict = forwarder.forward(&frame, now: .seconds(seconds))
            return (verdict, Array(frame.bytes))
        }
    }

    /// As a router sends it on: other MACs, the TTL one less.
    static func routed(_ packet: Wire.Packet, from: UInt8 = 2, to: UInt8 = 0x11) -> [UInt8] {
        var packet = packet
        packet.timeToLive -= 1
        return [2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from] + (packet.isIPv6 ? [0x86, 0xDD] : [8, 0]) + packet.bytes
    }

    /// The same between other ends, its checksum made anew.
    static func moved(
        _ packet: Wire.Packet, source: (IPv6Address, UInt16)? = nil, destination: (IPv6Address, UInt16)? = nil
    ) -> Wire.Packet {
        var packet = packet
        if let source {
            packet.source = source.0
            packet.body.replaceSubrange(0..<2, with: Wire.octets(source.1, 2))
        }
        if let destination {
            packet.destination = destination.0
            packet.body.replaceSubrange(2..<4, with: Wire.octets(destination.1, 2))
        }
        return packet.checked(.complete, at: packet.transport == 6 ? 16 : 6)
    }

    /// What the server sends back, from these ends.
    static func answer(to question: Wire.Packet, from source: (IPv6Address, UInt16)) -> Wire.Packet {
        var answer = question
        answer.destination = question.source
        answer.body.replaceSubrange(2..<4, with: question.body[0..<2])
        if question.transport == 6 { answer.body[13] = Self.syn | Self.ack }
        return moved(answer, source: source)
    }

    @Test("direct routing changes MACs and TTL, and nothing else")
    func direct() {
        var forwarder = Self.forwarder(.direct)
        for question in Self.questions() {
            let (verdict, bytes) = Self.forward(&forwarder, question.frame)
            #expect(verdict == .transmit(egress: 1))
            #expect(bytes == Self.routed(question))
        }
        #expect(forwarder.flowCount == 4)
        #expect(forwarder.statistics().map(\.connections) == [1, 1, 1, 1])
    }

    @Test("NAT: the server's end in the client's packets, the VIP's in the answers, byte for byte")
    func nat() {
        var forwarder = Self.forwarder(.nat)
        for question in Self.questions() {
            let port: UInt16 = question.transport == 6 ? 80 : 53
            let rip = IPv6Address(wide: Self.rip(isIPv6: question.isIPv6))
            let (verdict, inside) = Self.forward(&forwarder, question.frame)
            #expect(verdict == .transmit(egress: 1))
            #expect(inside == Self.routed(Self.moved(question, destination: (rip, port + 8000))))

            let answer = Self.answer(to: question, from: (rip, port + 8000))
            let (back, outside) = Self.forward(&forwarder, answer.frame)
            #expect(back == .transmit(egress: 3), "the way the question came")
            let expected = Self.moved(answer, source: (question.destination, port))
            #expect(outside == Self.routed(expected, from: 1, to: 0xFE))
        }
    }

    @Test("tunnels: every kind, every pair of families", arguments: TunnelTests.tunnels)
    func tunnel(tunnel: Tunnel) {
        var forwarder = Self.forwarder(.tunnel(tunnel))
        for question in Self.questions() {
            for isPartial in [false, true] {
                let frame = isPartial ? question.checked(.partial, at: question.transport == 6 ? 16 : 6) : question
                let (verdict, bytes) = Self.forward(&forwarder, frame.frame, isPartial: isPartial)
                #expect(verdict == .transmit(egress: 1))
                let expected = TunnelTests.encapsulated(frame.frame, in: tunnel, isPartial: isPartial)
                // IPv6 in IPv4 has no DF, and so an identification: of no account here.
                #expect(
                    Self.withoutIdentification(bytes, tunnel) == expected.map { Self.withoutIdentification($0, tunnel) }
                )
            }
        }
    }

    static func withoutIdentification(_ bytes: [UInt8], _ tunnel: Tunnel) -> [UInt8] {
        guard !tunnel.isIPv6 else { return bytes }
        var bytes = bytes
        for offset in [18, 19, 24, 25] { bytes[offset] = 0 }
        return bytes
    }

    @Test("too long for a tunnel: said so where it may not be cut, to be cut where it may, and the frame as it was")
    func tooLong() {
        var forwarder = Self.forwarder(.tunnel(TunnelTests.tunnel(.ipip, isIPv6: false)))
        for question in Self.questions(Wire.payload(1480)) {
            let (verdict, bytes) = Self.forward(&forwarder, question.frame)
            #expect(verdict == .tooBig(mtu: 1480))
            #expect(bytes == question.frame)
        }
        var unmarked = Wire.Packet().udp(Wire.payload(1480))
        unmarked.fragment = 0
        #expect(Self.forward(&forwarder, unmarked.frame).verdict == .split(limit: 1480))
        let superPacket = Self.questions(Wire.payload(4000))[0]
        #expect(Self.forward(&forwarder, superPacket.frame, segmentSize: 1000).verdict == .split(limit: 1480))
        #expect(forwarder.flowCount == 4 && forwarder.drops.tooBig == 4 && forwarder.drops.total == 0)
        #expect(forwarder.statistics().map(\.connections) == [1, 1, 1, 1], "scheduled once, when it came first")
        #expect(forwarder.statistics().allSatisfy { $0.inbound.packets == 0 })
        // A super-packet goes through whole where nothing is put in front of it.
        var direct = Self.forwarder(.direct)
        #expect(Self.forward(&direct, superPacket.frame, segmentSize: 1000).verdict == .transmit(egress: 1))
    }

    @Test("a first datagram that is too long is scheduled once, and its pieces go to one server")
    func tooLongAndNew() throws {
        var forwarder = Self.forwarder(.tunnel(TunnelTests.tunnel(.ipip, isIPv6: false))) { service in
            var other = service.servers[0]
            other.station?.egress = 2
            other.port = 9
            service.servers.append(other)
        }
        for client in UInt16(1)...4 {
            var packet = Wire.Packet().udp(Wire.payload(1480))
            packet.fragment = 0
            packet.body.replaceSubrange(0..<2, with: Wire.octets(client, 2))
            packet.identification = client
            let whole = packet.frame
            #expect(Self.forward(&forwarder, whole).verdict == .split(limit: 1480))
            let pieces = withFrame(whole) { frame in
                var (splitter, pieces) = (Splitter(frame, limit: 1480), [[UInt8]]())
                let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 4000, alignment: 8)
                defer { memory.deallocate() }
                while let piece = splitter?.next(into: memory) { pieces.append(Array(piece.bytes)) }
                return pieces
            }
            #expect(pieces.count == 2)
            for piece in pieces {
                #expect(
                    Self.forward(&forwarder, piece).verdict == .transmit(egress: client % 2 == 1 ? 1 : 2), "in turn")
            }
        }
        let statistics = forwarder.statistics()[1]
        #expect(statistics.connections == 4 && statistics.servers.map(\.connections) == [2, 2])
    }

    @Test("an echo to the VIP is answered by itself, of either family")
    func echo() {
        var forwarder = Self.forwarder(.direct)
        for packet in [Wire.Packet(), .ipv6()] {
            var question = packet.icmp(packet.isIPv6 ? 128 : 8, 0, 0xABCD_0001, quoting: Wire.payload(56))
            question.timeToLive = 7
            let (verdict, bytes) = Self.forward(&forwarder, question.frame)
            #expect(verdict == .transmit(egress: 3))
            var answer = packet
            (answer.source, answer.destination) = (packet.destination, packet.source)
            answer = answer.icmp(packet.isIPv6 ? 129 : 0, 0, 0xABCD_0001, quoting: Wire.payload(56))
            answer.timeToLive = 65
            #expect(bytes == Self.routed(answer, from: 1, to: 0xFE))
        }
        #expect(forwarder.flowCount == 0)
    }

    @Test("an error about an answer reaches the server that sent it, by its own address where that is NAT's")
    func errorsInward() {
        for method in [ForwardMethod.direct, .nat, .tunnel(TunnelTests.tunnel(.gre, isIPv6: false))] {
            var forwarder = Self.forwarder(method)
            for question in Self.questions() {
                let port: UInt16 = question.transport == 6 ? 80 : 53
                _ = Self.forward(&forwarder, question.frame)
                let answer = Self.answer(to: question, from: (question.destination, port))
                func error(about quoted: Wire.Packet) -> Wire.Packet {
                    var error = QuotedPacketTests.error(question.isIPv6 ? 1 : 3, 1, about: quoted)
                    error.fragment = 0x4000
                    return error
                }
                let (verdict, bytes) = Self.forward(&forwarder, error(about: answer).frame)
                #expect(verdict == .transmit(egress: 1))
                switch method {
                case .direct:
                    #expect(bytes == Self.routed(error(about: answer)))
                case .nat:
                    // The quoted transport's checksum is left as it is.
                    var inside = answer
                    inside.source = IPv6Address(wide: Self.rip(isIPv6: question.isIPv6))
                    inside.body.replaceSubrange(0..<2, with: Wire.octets(port + 8000, 2))
                    #expect(bytes == Self.routed(error(about: inside)))
                case .tunnel(let tunnel):
                    let expected = TunnelTests.encapsulated(error(about: answer).frame, in: tunnel) ?? []
                    #expect(
                        Self.withoutIdentification(bytes, tunnel) == Self.withoutIdentification(expected, tunnel))
                }
                var stranger = answer
                stranger.body.replaceSubrange(2..<4, with: [1, 1])
                #expect(Self.forward(&forwarder, error(about: stranger).frame).verdict == .drop(.noFlow))
            }
        }
    }

    @Test("NAT: an error about what a client sent reaches the client, from the VIP, whichever router it is from")
    func errorsOutward() {
        var forwarder = Self.forwarder(.nat)
        for question in Self.questions() {
            let port: UInt16 = question.transport == 6 ? 80 : 53
            let rip = IPv6Address(wide: Self.rip(isIPv6: question.isIPv6))
            _ = Self.forward(&forwarder, question.frame)
            let inside = Self.moved(question, destination: (rip, port + 8000))
            var outside = inside
            outside.destination = question.destination
            outside.body.replaceSubrange(2..<4, with: Wire.octets(port, 2))
            for sender in [nil, rip] {
                let error = QuotedPacketTests.error(question.isIPv6 ? 1 : 3, 1, from: sender, about: inside)
                let (verdict, bytes) = Self.forward(&forwarder, error.frame)
                #expect(verdict == .transmit(egress: 3))
                let expected = QuotedPacketTests.error(
                    question.isIPv6 ? 1 : 3, 1, from: question.destination, about: outside)
                #expect(bytes == Self.routed(expected, from: 1, to: 0xFE))
            }
        }
        let stranger = QuotedPacketTests.error(3, 1, about: Self.questions()[0])
        #expect(Self.forward(&forwarder, stranger.frame).verdict == .notOurs)
    }

    @Test("an error about a tunnel's packet is told to the client, and the path's MTU believed for ten minutes")
    func tunnelErrors() throws {
        let tunnel = TunnelTests.tunnel(.ipip, isIPv6: false)
        var forwarder = Self.forwarder(.tunnel(tunnel))
        let question = Self.questions(Wire.payload(1400))[0]
        let (verdict, outer) = Self.forward(&forwarder, question.frame)
        #expect(verdict == .transmit(egress: 1))
        func tell(_ bytes: [UInt8], _ seconds: Double) -> [UInt8]? {
            let frame = TunnelErrorTests.error(3, 4, 1400, about: bytes, of: tunnel)
            return withFrame(frame) { frame in
                let verdict = forwarder.forward(&frame, now: .seconds(seconds))
                #expect(verdict == .tunnelError)
                var buffer = [UInt8](repeating: 0, count: ICMPError.longestFrame)
                return buffer.withUnsafeMutableBytes { memory in
                    guard let told = forwarder.explain(frame, into: memory, now: .seconds(seconds)) else { return nil }
                    #expect(told.egress == 3)
                    return Array(memory[..<told.length])
                }
            }
        }
        var forged = Array(outer[14...])
        forged[43] = 99
        #expect(tell(forged, 1) == nil, "another client's port")
        #expect(Self.forward(&forwarder, question.frame).verdict == .transmit(egress: 1), "not believed")

        let told = try #require(tell(Array(outer[14...].prefix(548)), 1))
        #expect(Array(told[26..<34]) == [192, 0, 2, 10, 198, 51, 100, 7], "from the VIP to the client")
        #expect(Array(told[34..<36]) == [3, 4] && Array(told[40..<42]) == [0x05, 0x64], "1380 bytes")
        #expect(Self.forward(&forwarder, question.frame, at: 2).verdict == .tooBig(mtu: 1380))
        #expect(Self.forward(&forwarder, question.frame, at: 602).verdict == .transmit(egress: 1))
    }

    @Test("answers that come back through the director go on to the client, from the flow's own server only")
    func returningAnswers() {
        let question = Self.questions()[0]
        var answer = Self.answer(to: question, from: (question.destination, 80))
        answer.timeToLive = 60
        var frame = answer.frame
        // From the server's station.
        frame.replaceSubrange(6..<12, with: [2, 0, 0, 0, 0, 0x11])
        for returns in [true, false] {
            var forwarder = Self.forwarder(.direct) { $0.answersReturn = returns }
            #expect(Self.forward(&forwarder, frame).verdict == .notOurs, "no flow yet")
            _ = Self.forward(&forwarder, question.frame)
            // Another station: nobody may speak in the VIP's name but the flow's own server.
            #expect(Self.forward(&forwarder, answer.frame).verdict == (returns ? .drop(.impostor) : .notOurs))
            #expect(forwarder.drops[.impostor] == (returns ? 1 : 0))
            let (verdict, bytes) = Self.forward(&forwarder, frame)
            #expect(verdict == (returns ? .transmit(egress: 3) : .notOurs))
            if returns { #expect(bytes == Self.routed(answer, from: 1, to: 0xFE)) }
        }
    }

    @Test(
        "an answer too long for the client's link: its server is told where it may not be cut, and it is cut where it may"
    )
    func answerTooLong() {
        for method in [ForwardMethod.nat, .direct] {
            var forwarder = Self.forwarder(method) { $0.answersReturn = true }
            for question in Self.questions() {
                let port: UInt16 = question.transport == 6 ? 80 : 53
                _ = Self.forward(&forwarder, question.frame)
                let rip = Wire.mapped(question.isIPv6 ? "fd00::11" : "10.0.0.11")
                let ends = method == .nat ? (rip, port + 8000) : (question.destination, port)
                var answer = Self.answer(to: question, from: ends)
                answer.body += Wire.payload(1400)
                answer = answer.checked(.complete, at: answer.transport == 6 ? 16 : 6)
                func frame(_ answer: Wire.Packet) -> [UInt8] {
                    var frame = answer.frame
                    frame.replaceSubrange(6..<12, with: [2, 0, 0, 0, 0, 0x11])
                    return frame
                }
                // The questions came in by interface 3.
                forwarder.setLinkMTUs([9000, 9000, 9000, 1400])
                answer.fragment = 0x4000
                let (verdict, bytes) = Self.forward(&forwarder, frame(answer))
                #expect(verdict == .tooBig(mtu: 1400) && bytes == frame(answer), "\(method)")
                #expect(Self.forward(&forwarder, frame(answer), segmentSize: 1390).verdict == .tooBig(mtu: 1400))
                if question.transport == 6 {
                    #expect(Self.forward(&forwarder, frame(answer), segmentSize: 700).verdict == .transmit(egress: 3))
                }
                answer.fragment = 0
                let mayCut: Verdict = question.isIPv6 ? .tooBig(mtu: 1400) : .split(limit: 1400)
                #expect(Self.forward(&forwarder, frame(answer)).verdict == mayCut)
                forwarder.setLinkMTUs([1400, 1400, 1400, 1500])
                #expect(Self.forward(&forwarder, frame(answer)).verdict == .transmit(egress: 3))
            }
        }
    }

    @Test("of a super-packet the segments must fit the client's link, with their headers and options to the byte")
    func answerSegments() {
        var forwarder = Self.forwarder(.direct) { $0.answersReturn = true }
        forwarder.setLinkMTUs([9000, 9000, 9000, 1400])
        for question in Self.questions() {
            _ = Self.forward(&forwarder, question.frame)
            let isTCP = question.transport == 6
            let ends = (question.destination, UInt16(isTCP ? 80 : 53))
            for options in isTCP ? [0, 12, 40] : [0] {
                var answer = Self.answer(to: question, from: ends)
                let transport = isTCP ? 20 + options : 8
                if isTCP {
                    answer.body[12] = UInt8(transport / 4) << 4
                    answer.body.insert(contentsOf: [UInt8](repeating: 1, count: options), at: 20)
                }
                answer.body += Wire.payload(5000)
                let fitting = 1400 - (question.isIPv6 ? 40 : 20) - transport
                for (fragment, refused) in [(UInt16(0x4000), Verdict.tooBig(mtu: 1400)), (0, .split(limit: 1400))] {
                    answer.fragment = fragment
                    let packet = answer.checked(.complete, at: isTCP ? 16 : 6)
                    var frame = packet.frame
                    frame.replaceSubrange(6..<12, with: [2, 0, 0, 0, 0, 0x11])
                    let words =
                        "\(question.isIPv6 ? "IPv6" : "IPv4"), protocol \(question.transport), options \(options)"
                    let longer = Self.forward(&forwarder, frame, segmentSize: fitting + 1)
                    #expect(
                        longer.verdict == (question.isIPv6 ? .tooBig(mtu: 1400) : refused) && longer.bytes == frame,
                        "\(words)")
                    #expect(
                        Self.forward(&forwarder, frame, segmentSize: fitting).verdict == .transmit(egress: 3),
                        "\(words)")
                }
            }
        }
    }

    @Test("an IPv6 packet with an IPv4-mapped address is none of ours")
    func mapped() {
        var forwarder = Self.forwarder(.direct)
        var packet = Wire.Packet.ipv6()
        let (client, vip) = (packet.source, packet.destination)
        for (source, destination) in [(client, "192.0.2.10"), (Wire.mapped("198.51.100.7"), nil)] {
            packet.source = source
            packet.destination = vip
            var bytes = packet.tcp([], flags: Self.syn).bytes
            if let destination {
                bytes.replaceSubrange(
                    24..<40,
                    with: [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] + Wire.address(Wire.mapped(destination)))
            }
            if source != client {
                bytes.replaceSubrange(
                    8..<24, with: [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] + Wire.address(source))
            }
            #expect(Self.forward(&forwarder, Wire.ethernet6 + bytes).verdict == .notOurs)
        }
        #expect(forwarder.flowCount == 0)
    }

    @Test("a flood of datagrams takes the place of datagrams' flows, never of a connection's")
    func flood() {
        var forwarder = Self.forwarder(.direct)
        for client in 0..<300 {
            var question = Self.questions()[client < 50 ? 0 : 1]
            question.body.replaceSubrange(0..<2, with: Wire.octets(1000 + client, 2))
            #expect(Self.forward(&forwarder, question.frame).verdict == .transmit(egress: 1))
            guard client < 50 else { continue }
            question.body[13] = Self.ack
            #expect(Self.forward(&forwarder, question.frame).verdict == .transmit(egress: 1))
        }
        #expect(forwarder.flowCount == 100)
        #expect(forwarder.statistics()[0].servers[0].activeConnections == 50)
        #expect(forwarder.statistics()[1].servers[0].inactiveConnections == 50)
        // Nor does it keep new connections out: they take datagrams' places, until only connections are left.
        for client in 0..<51 {
            var connection = Self.questions()[0]
            connection.body.replaceSubrange(0..<2, with: Wire.octets(9000 + client, 2))
            let verdict = Self.forward(&forwarder, connection.frame).verdict
            #expect(verdict == (client < 50 ? .transmit(egress: 1) : .drop(.tableFull)))
            connection.body[13] = Self.ack
            _ = Self.forward(&forwarder, connection.frame)
        }
        #expect(forwarder.statistics()[0].servers[0].activeConnections == 100)
    }
}
