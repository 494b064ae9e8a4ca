internal import CLinux
internal import Glibc

/// A program in classic BPF (Documentation/networking/filter.rst), which the kernel runs on each frame and which ends with a
/// number. What it reads beyond the end of a frame ends it with 0.
///
/// Written with places to go to instead of distances. Comparisons go one instruction far only, and on from there by a jump without
/// a limit, so that a program may be as long as the kernel takes.
struct FilterProgram {
    /// Somewhere in the program.
    struct Place: Hashable {
        fileprivate let number: Int
    }

    /// Where the kernel runs a program, and so where in what the program sees the network header is.
    enum Hook {
        /// On a socket of type SOCK_RAW (`SO_ATTACH_FILTER`): it sees the frame from its Ethernet header on (`tpacket_rcv` in
        /// `net/packet/af_packet.c`).
        case socket
        /// Where a group's frames are shared out (`PACKET_FANOUT_DATA`): it sees what arrived from the network header on
        /// (`packet_rcv_fanout`). What the host sends, which it sees from the Ethernet header on, is not for a group.
        case group

        /// A VLAN's tag is in front of neither: the kernel has taken it off by then (`skb_vlan_untag`).
        fileprivate var networkHeader: Int { self == .socket ? 14 : 0 }
    }

    /// What can be looked at: in the frame, at so many bytes from its network header, or beside it.
    enum Field {
        case byte(Int)
        case half(Int)
        case word(Int)
        /// The same, and as many bytes further as the index says.
        case byteAtIndex(Int)
        case halfAtIndex(Int)
        /// The EtherType (`SKF_AD_PROTOCOL`).
        case etherType
        /// Whom it was meant for, or that it is our own (`SKF_AD_PKTTYPE`, `PACKET_OUTGOING`).
        case packetType
    }

    /// How many instructions the kernel takes (`BPF_MAXINSNS`).
    static let longest = 4096

    /// The program that wants nothing.
    static var nothing: FilterProgram {
        var program = FilterProgram(for: .socket)
        program.end(with: 0)
        return program
    }

    private let hook: Hook
    private(set) var instructions: [sock_filter] = []
    /// Which instructions go where.
    private var jumps: [(instruction: Int, to: Place)] = []
    private var places: [Int?] = []

    /// An empty program, to be run there.
    init(for hook: Hook) { self.hook = hook }

    /// How many instructions there are.
    var count: Int { instructions.count }

    /// A place that is not anywhere yet.
    mutating func place() -> Place {
        places.append(nil)
        return Place(number: places.count - 1)
    }

    /// What comes next is at this place.
    mutating func mark(_ place: Place) { places[place.number] = instructions.count }

    /// Loads what is to be compared or computed with.
    ///
    /// By distances from the start of what the program sees. With those that the kernel offers from its own pointer to the network
    /// header (`SKF_NET_OFF`) kernels older than 2025 reach only what of a packet is in one piece
    /// (`bpf_internal_load_pointer_neg_helper` in `net/core/filter.c`): with some drivers no more than the Ethernet header.
    mutating func load(_ field: Field) {
        switch field {
        case .byte(let offset): append(BPF_LD | BPF_B | BPF_ABS, distance(offset))
        case .half(let offset): append(BPF_LD | BPF_H | BPF_ABS, distance(offset))
        case .word(let offset): append(BPF_LD | BPF_W | BPF_ABS, distance(offset))
        case .byteAtIndex(let offset): append(BPF_LD | BPF_B | BPF_IND, distance(offset))
        case .halfAtIndex(let offset): append(BPF_LD | BPF_H | BPF_IND, distance(offset))
        case .etherType: append(BPF_LD | BPF_H | BPF_ABS, SKF_AD_OFF + SKF_AD_PROTOCOL)
        case .packetType: append(BPF_LD | BPF_B | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE)
        }
    }

    private func distance(_ offset: Int) -> CInt { CInt(hook.networkHeader + offset) }

    /// The index becomes the length of the IPv4 header, in bytes.
    mutating func indexBehindIPv4() { append(BPF_LDX | BPF_B | BPF_MSH, distance(0)) }

    /// The index becomes this.
    mutating func setIndex(_ index: Int) { append(BPF_LDX | BPF_W | BPF_IMM, CInt(index)) }

    /// The index grows by what was loaded plus `more`, in units of `1 << shift` bytes.
    mutating func growIndex(byLoadedPlus more: UInt32, shift: UInt32) {
        append(BPF_ALU | BPF_ADD | BPF_K, more)
        append(BPF_ALU | BPF_LSH | BPF_K, shift)
        append(BPF_ALU | BPF_ADD | BPF_X, UInt32(0))
        append(BPF_MISC | BPF_TAX, UInt32(0))
    }

    /// What was loaded becomes this number.
    mutating func load(number: UInt32) { append(BPF_LD | BPF_IMM, number) }

    /// Keeps what was loaded, for ``takeUp()``.
    mutating func layAside() { append(BPF_ST, UInt32(0)) }

    /// Loads what was laid aside.
    mutating func takeUp() { append(BPF_LD | BPF_MEM, UInt32(0)) }

    /// Goes on elsewhere where what was loaded is `value`.
    mutating func go(_ place: Place, ifEqual value: UInt32) {
        append(BPF_JMP | BPF_JEQ | BPF_K, value, otherwise: 1)
        go(place)
    }

    /// Goes on elsewhere where what was loaded is not `value`.
    mutating func go(_ place: Place, unlessEqual value: UInt32) {
        append(BPF_JMP | BPF_JEQ | BPF_K, value, then: 1)
        go(place)
    }

    /// Goes on elsewhere where what was loaded is `value` or more.
    mutating func go(_ place: Place, ifAtLeast value: UInt32) {
        append(BPF_JMP | BPF_JGE | BPF_K, value, otherwise: 1)
        go(place)
    }

    /// Goes on elsewhere where any of these bits is set in what was loaded.
    mutating func go(_ place: Place, ifAnyOf bits: UInt32) {
        append(BPF_JMP | BPF_JSET | BPF_K, bits, otherwise: 1)
        go(place)
    }

    /// Goes on elsewhere.
    mutating func go(_ place: Place) {
        jumps.append((instructions.count, place))
        append(BPF_JMP | BPF_JA, UInt32(0))
    }

    /// Keeps of what was loaded the bits that are in `mask`.
    mutating func mask(_ mask: UInt32) { append(BPF_ALU | BPF_AND | BPF_K, mask) }

    /// Remembers what was loaded, for ``mixIn()``, as the index.
    mutating func remember() { append(BPF_MISC | BPF_TAX, UInt32(0)) }

    /// What was loaded becomes its exclusive or with what is remembered.
    mutating func mixIn() { append(BPF_ALU | BPF_XOR | BPF_X, UInt32(0)) }

    /// What was loaded becomes a hash of itself (Knuth, The Art of Computer Programming 6.4: the upper bits of a product).
    mutating func hash() {
        append(BPF_ALU | BPF_MUL | BPF_K, UInt32(0x9E37_79B1))
        append(BPF_ALU | BPF_RSH | BPF_K, UInt32(16))
    }

    /// Ends with what was loaded.
    mutating func end() { append(BPF_RET | BPF_A, UInt32(0)) }

    /// Ends with this number.
    mutating func end(with number: UInt32) { append(BPF_RET | BPF_K, number) }

    /// Hands the finished program over as setsockopt(2) wants it; each place is somewhere.
    func withOption<Result>(_ body: (inout sock_fprog) -> Result) -> Result {
        var finished = instructions
        for jump in jumps {
            guard let target = places[jump.to.number] else { preconditionFailure("a place that is nowhere") }
            finished[jump.instruction].k = UInt32(target - jump.instruction - 1)
        }
        return finished.withUnsafeMutableBufferPointer { buffer in
            var program = sock_fprog(len: UInt16(buffer.count), filter: buffer.baseAddress)
            return body(&program)
        }
    }

    private mutating func append(_ code: CInt, _ value: CInt) { append(code, UInt32(bitPattern: value)) }

    private mutating func append(_ code: CInt, _ value: UInt32, then: UInt8 = 0, otherwise: UInt8 = 0) {
        instructions.append(sock_filter(code: UInt16(code), jt: then, jf: otherwise, k: value))
    }
}
