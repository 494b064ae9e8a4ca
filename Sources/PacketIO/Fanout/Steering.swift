internal import CLinux
public import NetworkAddress

/// Which of several sockets on an interface gets a packet: always the same one for all packets of a client, whichever way they go,
/// fragments included.
///
/// What is sent to one of ``ends`` comes from a client, and anything else goes to one: to a VIP, or to an address that servers reach
/// the world as, on the one hand, and from a VIP or from a server's own address on the other. So nothing that one socket's
/// reader remembers of a client is needed by another.
public struct Steering: Hashable, Sendable {
    /// The addresses that clients send to, each once.
    public var ends: [IPAddress]
    /// How many leading bits of a client's IPv4 address tell it from others: fewer than 32 where clients of a network belong
    /// together.
    public var prefix4: Int
    /// The same of IPv6, up to 128.
    public var prefix6: Int

    /// Clients told apart by their whole addresses unless said otherwise.
    public init(ends: [IPAddress], prefix4: Int = 32, prefix6: Int = 128) {
        self.ends = ends
        self.prefix4 = prefix4
        self.prefix6 = prefix6
    }

    /// Whether the kernel takes a program for so many addresses: some 2,000 of IPv4, or 400 of IPv6.
    public var isShortEnough: Bool { program.count <= FilterProgram.longest }

    /// Ends with a hash of the client's address; the kernel takes the remainder by the number of sockets
    /// (`fanout_demux_bpf` in `net/packet/af_packet.c`).
    var program: FilterProgram {
        var program = FilterProgram(for: .group)
        let (other, v6, from4, from6) = (program.place(), program.place(), program.place(), program.place())
        program.load(.etherType)
        program.go(v6, ifEqual: UInt32(ETH_P_IPV6))
        program.go(other, unlessEqual: UInt32(ETH_P_IP))
        program.load(.word(Self.destination4))
        for end in ends { if let address = end.v4 { program.go(from4, ifEqual: address.rawValue) } }
        program.endWithHash(of: Self.destination4, words: 1, prefix: prefix4)
        program.mark(from4)
        program.endWithHash(of: Self.source4, words: 1, prefix: prefix4)

        program.mark(v6)
        for end in ends {
            guard let address = end.v6 else { continue }
            let next = program.place()
            // The last words first: addresses of one network differ there.
            for (index, word) in address.words.enumerated().reversed() {
                program.load(.word(Self.destination6 + 4 * index))
                program.go(next, unlessEqual: word)
            }
            program.go(from6)
            program.mark(next)
        }
        program.endWithHash(of: Self.destination6, words: 4, prefix: prefix6)
        program.mark(from6)
        program.endWithHash(of: Self.source6, words: 4, prefix: prefix6)

        program.mark(other)
        program.end(with: 0)
        return program
    }

    private static let (source4, destination4, source6, destination6) = (12, 16, 8, 24)
}

extension FilterProgram {
    /// Ends with the hash of the leading bits of so many words of the frame.
    fileprivate mutating func endWithHash(of offset: Int, words: Int, prefix: Int) {
        for index in 0..<words {
            let bits = min(32, max(0, prefix - 32 * index))
            load(.word(offset + 4 * index))
            mask(bits == 0 ? 0 : ~0 << UInt32(32 - bits))
            if index > 0 { mixIn() }
            if index < words - 1 { remember() }
        }
        hash()
        end()
    }
}

extension IPv6Address {
    fileprivate var words: [UInt32] {
        [high >> 32, high & 0xFFFF_FFFF, low >> 32, low & 0xFFFF_FFFF].map { UInt32($0) }
    }
}
