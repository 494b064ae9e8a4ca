internal import CLinux

/// Which of the frames that arrive at an interface a socket takes.
public enum Portion: Hashable, Sendable {
    /// All of them.
    case everything
    /// What concerns everybody who forwards packets: ARP, Neighbor Discovery, and ICMP errors, which come from anywhere and are
    /// about anybody's packets, whatever options and extension headers are in front of them.
    case notices
    /// Of all else, a share: that of one more member of a group of sockets; nil: of a new group's first member. It begins when the
    /// socket is admitted.
    case share(of: FanoutGroup?)

    /// What the kernel runs to decide; nil: nothing.
    var filter: FilterProgram? {
        switch self {
        case .everything: nil
        case .notices: Self.filter(takesNotices: true)
        case .share: Self.filter(takesNotices: false)
        }
    }

    /// Ends with how many bytes are wanted of the frame.
    private static func filter(takesNotices: Bool) -> FilterProgram {
        var program = FilterProgram(for: .socket)
        let (notice, none, other, v6) = (program.place(), program.place(), program.place(), program.place())
        // A group's members get what the host itself sends, too: what keeps that away is the group's to say, and kernels before 6.1
        // cannot be told.
        program.load(.packetType)
        program.go(none, ifEqual: UInt32(PACKET_OUTGOING))
        program.load(.etherType)
        program.go(notice, ifEqual: UInt32(ETH_P_ARP))
        program.go(v6, ifEqual: UInt32(ETH_P_IPV6))
        program.go(other, unlessEqual: UInt32(ETH_P_IP))
        // ICMP (protocol 1) of any type but echo's and the like. Errors in fragments are mapped by nobody, and a large echo's
        // later fragments are to come to whom the first one came: fragments are the client's own.
        program.load(.byte(9))
        program.go(other, unlessEqual: 1)
        program.load(.half(6))
        program.go(other, ifAnyOf: 0x3FFF)
        program.indexBehindIPv4()
        program.load(.byteAtIndex(0))
        for error: UInt32 in [3, 4, 5, 11, 12] { program.go(notice, ifEqual: error) }
        program.go(other)
        // ICMPv6 (58): errors are below 128, Neighbor Discovery is 133 to 137 (RFC 4443, RFC 4861).
        program.mark(v6)
        let (message, query) = (program.place(), program.place())
        program.findICMPv6(at: message, orElse: other)
        program.mark(message)
        program.load(.byteAtIndex(0))
        program.go(query, ifAtLeast: 128)
        program.go(notice)
        program.mark(query)
        program.go(other, ifAtLeast: 138)
        program.go(notice, ifAtLeast: 133)

        program.mark(other)
        program.end(with: takesNotices ? 0 : .max)
        program.mark(notice)
        program.end(with: takesNotices ? .max : 0)
        program.mark(none)
        program.end(with: 0)
        return program
    }
}

extension FilterProgram {
    /// How many extension headers are walked past, as many as by the packet path (`InternetHeader`).
    private static let mostExtensions = 8

    /// Goes on at `message` with the index at an ICMPv6 message of a whole packet, else at `other`. There are no loops: each header has
    /// instructions of its own.
    fileprivate mutating func findICMPv6(at message: Place, orElse other: Place) {
        setIndex(40)
        load(.byte(6))
        for _ in 0..<Self.mostExtensions {
            let (options, authentication, fragment, next) = (place(), place(), place(), place())
            go(message, ifEqual: 58)
            for number: UInt32 in [0, 43, 60] { go(options, ifEqual: number) }
            go(authentication, ifEqual: 51)
            go(fragment, ifEqual: 44)
            go(other)

            mark(options)
            passExtension(lengthPlus: 1, shift: 3)
            go(next)
            mark(authentication)
            passExtension(lengthPlus: 2, shift: 2)
            go(next)
            mark(fragment)
            load(.halfAtIndex(2))
            // Of a packet in one piece (RFC 6946) there is no more, and nothing before.
            go(other, ifAnyOf: 0xFFF9)
            load(.byteAtIndex(0))
            layAside()
            load(number: 0)
            growIndex(byLoadedPlus: 1, shift: 3)
            takeUp()
            mark(next)
        }
        go(other, unlessEqual: 58)
    }

    /// Loads what comes behind an extension header, and has the index point there.
    private mutating func passExtension(lengthPlus more: UInt32, shift: UInt32) {
        load(.byteAtIndex(0))
        layAside()
        load(.byteAtIndex(1))
        growIndex(byLoadedPlus: more, shift: shift)
        takeUp()
    }
}

/// Sockets on one interface that share what arrives there (`PACKET_FANOUT`, packet(7)). It lasts as long as its members do.
public struct FanoutGroup: Hashable, Sendable {
    /// What the kernel calls it, within the network namespace.
    let identifier: UInt16
}
